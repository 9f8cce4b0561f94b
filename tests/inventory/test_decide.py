"""One function over all rules."""

from typing import get_args

import pytest

from inventory import decide as module
from inventory.commands import AnyCommand, ClientCommand, Holding, LineCommand
from inventory.decide import decide
from inventory.keys import OUTCOMES
from inventory.rules.common import Request
from tests.scenario import NOW_MS, Scene, hall, parse, play, settings_of

EXAMPLES = {
    "hold": "hold A-1",
    "hold_best": "best 1",
    "extend": "extend h1",
    "release": "release h1",
    "book": "book h1",
    "cancel": "cancel b1",
    "block": "block A-2",
    "unblock": "unblock A-3",
    "holding": "holding",
    "change_sale": "sale pause",
    "configure": "configure max_per_user=3",
    "delete_event": "delete",
    "pledge": "pledge h1 order=o1 until=600",
    "unpledge": "unpledge h1 order=o1",
    "cancel_part": "part b1 C-1",
    "quote": "quote h1",
    "blocked": "blocked",
    "expire_hold": "expire h1",
    "open_sale": "open",
    "close_sale": "shut",
    "complete_event": "complete",
    "keep_holds": f"keep {NOW_MS}",
}


def test_every_command_has_a_rule():
    kinds = set(get_args(AnyCommand))
    assert set(module._RULES) == kinds
    # Those of the line have their examples in `tests/inventory/rules/test_line.py`.
    others = kinds - set(get_args(LineCommand))
    assert {kind.__struct_config__.tag for kind in others} == set(EXAMPLES)


def test_every_command_that_changes_something_can_be_answered_again():
    assert set(get_args(ClientCommand)) - {Holding} <= set(OUTCOMES)


@pytest.mark.parametrize("command", EXAMPLES.values())
@pytest.mark.parametrize("user", ["ann", "bob", "org", "for:ann"])
def test_deciding_changes_nothing_and_says_the_same_twice(command, user):
    scene = play("""
        org | block A-3   | ok
        ann | hold B-1    | ok hold=h1
        ann | hold C-1    | ok hold=h2
        ann | book h2     | ok booking=b1
    """)
    before = scene.stock.hash()

    def answer():
        system = user == "for:ann"
        asker = user.removeprefix("for:")
        request = Request(
            scene.stock, asker, user == "org", NOW_MS, Numbers(), system=system
        )
        return decide(parse(command), request)

    first, again = answer(), answer()
    assert first == again
    assert scene.stock.hash() == before
    change, reply = first
    assert reply.version == scene.stock.version + (change is not None)


class Numbers:
    """Always the same names."""

    def token(self) -> str:
        return "token"

    def reference(self) -> str:
        return "reference"


def test_a_command_that_was_accepted_by_the_rules_fits_the_state():
    scene = Scene(hall("A 111"), settings_of())
    for command in ("hold A-1", "hold A-2 on=h1", "release h1 A-1", "book h1"):
        version = scene.stock.version
        scene.ask("ann", command)
        assert scene.stock.version == version + 1
