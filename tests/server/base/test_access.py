from typing import get_args

import pytest

from server.base.access import (
    Needed,
    may_touch_key,
    suffices,
    touched_by,
)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (None, set()),
        ("staff", {"member"}),
        ("leader", {"member", "leader"}),
        ("owner", {"member", "leader", "owner"}),
    ],
)
def test_each_role_may_what_the_one_below_may_and_more(role, allowed):
    assert {needed for needed in get_args(Needed) if suffices(role, needed)} == allowed


def test_nobody_gives_or_takes_a_role_above_the_own():
    assert touched_by("owner") == ("owner", "leader", "staff")
    assert touched_by("leader") == ("leader", "staff")
    assert touched_by("staff") == ()


def test_keys_of_owners_are_for_owners():
    rights = {
        (role, owners): may_touch_key(role, owners)
        for role in ("staff", "leader", "owner")
        for owners in (False, True)
    }
    assert {pair for pair, may in rights.items() if may} == {
        ("leader", False),
        ("owner", False),
        ("owner", True),
    }
