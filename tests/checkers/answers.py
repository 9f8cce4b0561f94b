"""Comparing what was told with what the rules say, and commands with changes."""

from typing import Any

from msgspec.structs import replace

from inventory.changes import AnyChange, SeatsHeld
from inventory.commands import OpenLine
from inventory.replies import HoldingOk, Refused, Reply
from tests.checkers.history import NEVER, Operation

_ASKED_BY = {
    "HoldExtended": "Extend",
    "HoldReleased": "Release",
    "HoldPledged": "Pledge",
    "PledgeEnded": "Release",
    "HoldBooked": "Book",
    "BookingCancelled": "Cancel",
    "BookingReduced": "Cancel",
    "SeatsBlocked": "Block",
    "SeatsUnblocked": "Unblock",
    "SaleChanged": "ChangeSale",
}


_ALIKE = {"Unpledge": "Release", "CancelPart": "Cancel"}
"""Commands of the shop whose changes another command may have made."""


class Effect:
    """What a command did, or may have done; a key makes several attempts one effect."""

    __slots__ = ("attempts", "called", "pinned", "returned", "unknown", "version")

    def __init__(self) -> None:
        self.version: int | None = None
        self.attempts: list[Operation] = []
        self.unknown: list[Operation] = []
        self.called = NEVER
        self.returned = NEVER
        self.pinned = False

    def first(self) -> Operation:
        return (self.attempts or self.unknown)[0]


def target_of_change(change: AnyChange) -> tuple[str, str]:
    """Name what a change is about, so that few commands come into question."""
    name = type(change).__name__
    if type(change) is SeatsHeld:
        return "Hold", change.user
    if name not in _ASKED_BY:
        return name, ""
    about: Any = getattr(change, "hold", None) or getattr(change, "booking", "")
    return _ASKED_BY[name], about


def target_of_command(operation: Operation) -> tuple[str, str]:
    command = operation.command
    name = type(command).__name__
    if name in ("Hold", "HoldBest"):
        return "Hold", operation.user
    if name in ("Configure", "DeleteEvent"):
        return "EventConfigured", ""
    about: Any = getattr(command, "hold", None) or getattr(command, "booking", "")
    return _ALIKE.get(name, name), about


def same(one: Operation, other: Operation) -> bool:
    """Return whether two operations ask the same: all but `id` and `key`."""
    return type(one.command) is type(other.command) and replace(
        one.command, id=0, key=None
    ) == replace(other.command, id=0, key=None)


def same_answer(operation: Operation, expected: Any) -> bool:
    """Compare but for `id`; with a key the time left is counted again each time."""
    reply: Any = operation.reply
    full_ms = getattr(expected, "expires_in_ms", None)
    expected.id = reply.id
    if full_ms is None or operation.key is None or type(reply) is not type(expected):
        return bool(reply == expected)
    expected.expires_in_ms = reply.expires_in_ms
    same = bool(reply == expected) and 0 <= reply.expires_in_ms <= full_ms
    expected.expires_in_ms = full_ms
    return same


def same_holding(reply: Reply, expected: HoldingOk, passed_ms: int) -> bool:
    """Compare what somebody has; the time left may be up to `passed_ms` less."""
    if type(reply) is not HoldingOk or len(reply.holds) != len(expected.holds):
        return False
    for told, known in zip(reply.holds, expected.holds, strict=True):
        least_ms = max(0, known.expires_in_ms - passed_ms)
        if not least_ms <= told.expires_in_ms <= known.expires_in_ms:
            return False
        known.expires_in_ms = told.expires_in_ms
    return bool(reply == expected)


def same_refusal(reply: Refused, expected: Reply, passed_ms: int) -> bool:
    """Compare a refusal; the time it names may be up to `passed_ms` less."""
    told = reply.retry_after_ms
    if type(expected) is not Refused or not isinstance(told, int):
        return bool(reply == expected)
    known = expected.retry_after_ms
    if not isinstance(known, int) or not known - passed_ms <= told <= known:
        return False
    return bool(reply == replace(expected, retry_after_ms=told))


def same_later(operation: Operation, change: Any, later: Any) -> bool:
    """Compare a refusal with what the rules say when it was heard.

    Which of several reasons not to open a line comes first is a matter of time, too;
    and one who asks too often is told so, until their turn is over.
    """
    reply: Any = operation.reply
    if change is not None or type(later) is not Refused:
        return False
    later.id = reply.id
    if type(operation.command) is OpenLine:
        return bool(reply.code == later.code)
    too_long = (reply.code, later.code) == ("extend_limit", "turn_over")
    return bool(reply == later) or too_long


class Ids:
    """Gives the names that the journal's change has."""

    def __init__(self) -> None:
        self.name = self.number = ""

    def token(self) -> str:
        return self.name

    def reference(self) -> str:
        return self.number
