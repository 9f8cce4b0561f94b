"""What a change of a sale is called."""

from typing import get_args

import pytest

from inventory.settings import SaleState
from persistence.people.hooks.raising import HOOK_TYPES
from server.shop.hooks.rules import told_of


@pytest.mark.parametrize(
    ("before", "to", "told"),
    [
        ("draft", "scheduled", ["event.published"]),
        ("draft", "on_sale", ["event.published", "sale.opened"]),
        ("scheduled", "on_sale", ["sale.opened"]),
        ("scheduled", "draft", []),
        ("on_sale", "paused", ["sale.paused"]),
        ("paused", "on_sale", ["sale.resumed"]),
        ("paused", "closed", ["sale.closed"]),
        ("closed", "completed", ["event.completed"]),
        ("on_sale", "cancelled", ["event.cancelled"]),
        ("draft", "cancelled", ["event.cancelled"]),
    ],
)
def test_what_is_told(before, to, told):
    assert told_of(before, to) == told


@pytest.mark.parametrize("state", get_args(SaleState))
def test_what_stays_is_not_told_and_what_is_told_is_known(state):
    assert told_of(state, state) == []
    for before in get_args(SaleState):
        assert set(told_of(before, state)) <= set(HOOK_TYPES)
