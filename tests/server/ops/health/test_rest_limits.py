"""What administrators are told of the limits: what is set, else what is usual."""

from server.base.settings import read_config
from server.ops.health.rest_limits import BudgetDocument, document_of


def test_what_is_set_is_told_as_such_and_what_is_not_as_usual():
    settings = {"ONSALE_RATE_LIMIT_COMMANDS": "7", "ONSALE_QUOTA_MEMBERS": "3"}
    told = document_of(read_config(settings))
    assert told.rate_limits == "on"
    assert told.budgets["commands"] == BudgetDocument(7, True)
    assert told.budgets["admin"] == BudgetDocument(1_000, False)
    assert told.quotas["members"] == 3


def test_lifted_limits_are_told():
    assert document_of(read_config({"ONSALE_RATE_LIMITS": "off"})).rate_limits == "off"
