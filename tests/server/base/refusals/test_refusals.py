import pytest

from inventory import limits, rejections
from inventory.faults import Fault, Faults
from inventory.replies import Fault as SettingFault
from inventory.replies import Refused, refuse, refuse_faults
from persistence.errors import TooMany
from server.base.access import Denial
from server.base.refusals import refusals as module
from server.base.refusals.refusals import (
    LIMIT_REACHED,
    CommandRefused,
    Denied,
    Refusal,
    add_faults,
    refuse_denied,
    too_many,
    wrong_field,
    wrong_fields,
)


@pytest.mark.parametrize("code", rejections.CODES)
def test_a_code_of_the_inventory_says_what_it_means(code):
    assert (Refusal(code).code, Refusal(code).detail) == (
        code,
        rejections.DETAILS[code],
    )
    assert Refusal(code, "Not you.").detail == "Not you."


def test_a_kind_of_a_capability_says_what_it_means():
    full = Refusal(LIMIT_REACHED, limit=20)
    assert (full.code, full.limit) == ("limit_reached", 20)
    assert full.detail == LIMIT_REACHED.detail


def test_who_may_not_is_denied_in_the_words_of_access():
    with pytest.raises(Denied) as caught:
        refuse_denied(Denial("forbidden", "This needs an owner."))
    assert (caught.value.code, caught.value.detail) == (
        "forbidden",
        "This needs an owner.",
    )
    # Without words of its own in those of the code.
    unknown = Denied(Denial("unauthenticated"))
    assert unknown.detail == rejections.DETAILS["unauthenticated"]


def test_who_may_is_not_denied():
    refuse_denied(None)


def test_one_wrong_value_is_told_alone_and_several_together():
    assert wrong_field("name", "Too long.").detail == "Too long."
    several = wrong_fields([Fault("name", "Too long."), Fault("", "Bad.")])
    assert several.detail == "name: Too long. Bad."
    assert [fault.field for fault in several.faults] == ["name", ""]
    assert several.code == "bad_field"


def test_nothing_wrong_is_not_refused_and_anything_wrong_is():
    found = Faults()
    module.refuse_faults(found)
    add_faults(found, [SettingFault("starts_at", "Past.")])
    with pytest.raises(Refusal, match="bad_field") as caught:
        module.refuse_faults(found)
    assert caught.value.faults == [Fault("starts_at", "Past.")]


def test_more_wrong_values_than_are_told_are_refused_at_once():
    many = [Fault(f"a.{n}", "Wrong.") for n in range(limits.FAULTS_LISTED_MAX + 1)]
    with pytest.raises(Refusal) as caught:
        add_faults(Faults(), many)
    assert len(caught.value.faults) == limits.FAULTS_LISTED_MAX


def test_a_refused_command_keeps_all_that_it_tells():
    refused = refuse("seat_not_free")
    refused.seats = ["A-1"]
    error = CommandRefused(refused)
    assert (error.code, error.refused.seats) == ("seat_not_free", ["A-1"])
    faulty = CommandRefused(refuse_faults("bad_field", [SettingFault("a", "Wrong.")]))
    assert [(one.field, one.detail) for one in faulty.faults] == [("a", "Wrong.")]


def test_a_refusal_of_a_newer_owner_is_passed_on():
    new = Refused(code="too_new", detail="Of tomorrow.", transient=True)
    error = CommandRefused(new)
    assert (error.code, error.detail) == ("too_new", "Of tomorrow.")


def test_who_wants_too_many_is_told_the_limit_and_what_there_is():
    refused = too_many(TooMany(5, 4))
    assert (refused.code, refused.limit, refused.has) == ("limit_reached", 5, 4)
    assert refused.detail == LIMIT_REACHED.detail
    assert too_many(TooMany(5), "Revoke one first.").detail == "Revoke one first."
