"""The bounded memory of keyed commands and their outcomes.

The durable memory is a table written in the same commit; this one saves asking it. It
knows whether it is complete: where it is, a key that is not here was never used.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct, msgpack

from inventory import commands, limits, replies
from inventory.commands import AnyCommand
from inventory.ports import Envelope
from inventory.replies import Ok, Reply, refuse

OUTCOMES: Final[dict[type, type[Ok]]] = {
    commands.Hold: replies.HoldOk,
    commands.HoldBest: replies.HoldOk,
    commands.Extend: replies.ExtendOk,
    commands.Release: replies.TakenOk,
    commands.Book: replies.BookOk,
    commands.Cancel: replies.TakenOk,
    commands.Block: replies.TakenOk,
    commands.Unblock: replies.TakenOk,
    commands.ChangeSale: replies.SaleOk,
    commands.Configure: replies.SaleOk,
    commands.DeleteEvent: replies.SaleOk,
    commands.Pledge: replies.PledgeOk,
    commands.Unpledge: replies.UnpledgeOk,
    commands.CancelPart: replies.GivenBackOk,
    commands.OpenLine: replies.Ok,
    commands.SetLine: replies.Ok,
    commands.GrantTurn: replies.ExtendOk,
    commands.SetWish: replies.Ok,
    commands.PausePlace: replies.Ok,
    commands.ResumePlace: replies.Ok,
    commands.LeaveLine: replies.Ok,
    commands.ExtendTurn: replies.ExtendOk,
}
"""What each changing command is answered with, so that a stored outcome can be read."""


def owner_of(envelope: Envelope) -> str:
    """Return whose key a command has.

    The system has keys of its own for each user: else who knows the name of an order
    could use up the key of its booking.
    """
    return f"system {envelope.user}" if envelope.system else envelope.user


class Remembered(Struct, frozen=True, gc=False):
    """The outcome of a keyed command."""

    request_hash: bytes
    outcome: bytes


class KeyMemory:
    """Outcomes by (user, key), the oldest forgotten first."""

    def __init__(self, *, complete: bool) -> None:
        self.complete = complete
        self._outcomes: dict[tuple[str, str], Remembered] = {}

    def missing(self, envelopes: Iterable[Envelope]) -> set[tuple[str, str]]:
        """Return the (user, key) pairs of these commands that are not remembered."""
        asked = {(owner_of(one), one.key) for one in envelopes if one.key is not None}
        return asked - self._outcomes.keys()

    def get(self, user: str, key: str) -> Remembered | None:
        """Return what was answered to this key, as far as this memory knows."""
        return self._outcomes.get((user, key))

    def add(self, user: str, key: str, request_hash: bytes, outcome: bytes) -> None:
        """Remember an outcome."""
        self._outcomes[user, key] = Remembered(request_hash, outcome)

    def trim(self) -> None:
        """Forget the oldest where there are too many; only between two batches.

        Inside a batch a key must not vanish after it was looked up.
        """
        while len(self._outcomes) > limits.KEYS_REMEMBERED_MAX:
            del self._outcomes[next(iter(self._outcomes))]
            self.complete = False


def replay(
    command: AnyCommand, request_hash: bytes, known: Remembered, now_ms: int
) -> Reply:
    """Answer a key that was used before: the first answer, or `key_reused`."""
    if known.request_hash != request_hash:
        return refuse("key_reused")
    reply = msgpack.decode(known.outcome, type=OUTCOMES[type(command)])
    if isinstance(reply, replies.HoldOk | replies.ExtendOk | replies.PledgeOk):
        ends = datetime.fromisoformat(reply.expires_at)
        reply.expires_in_ms = max(0, round(ends.timestamp() * 1_000) - now_ms)
    return reply
