"""Writes what became of turns into rows, and tells people of them.

The follower of the name `line`. It ends the rows of places that are over, so that who
had one may join anew, and raises the notices `turn`, `offer` and `offer_over`: in one
transaction with how far it came.
"""

from collections.abc import Sequence
from typing import Any, Final

from inventory.changes import (
    PlaceLeft,
    SaleChanged,
    TurnEnded,
    TurnGiven,
    TurnsKept,
)
from persistence.events.line.turns import (
    EndedTurn,
    GivenTurn,
    Noted,
    note_closed,
    note_ended,
    note_given,
    note_kept,
)
from persistence.followers.follower import Followed
from persistence.people.notices.notices import Notice, raise_notices
from server.base.metrics import Histogram
from server.events.line.rules import OVER

KINDS: Final = (TurnGiven, TurnEnded, TurnsKept, PlaceLeft, SaleChanged)
"""What it follows."""

WAIT_BUCKETS_S: Final = (
    *(1.0, 10.0, 60.0, 300.0, 900.0),
    *(1_800.0, 3_600.0, 10_800.0, 43_200.0, 172_800.0),
)


class LineFollower:
    """Follows turns. Raises what Postgres raises: then nothing of it happened."""

    name: Final = "line"

    def __init__(self) -> None:
        self.waits = Histogram(
            "onsale_line_wait_seconds",
            "From joining a line to one's turn; read again, it is counted again.",
            WAIT_BUCKETS_S,
        )

    async def follow(
        self, connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> None:
        """Write the rows of turns, and raise what their users are told."""
        turns = [
            (one.at_ms, one.change)
            for one in changes
            if isinstance(one.change, TurnGiven)
        ]
        given = [turn for _, turn in turns]
        ended = [one.change for one in changes if isinstance(one.change, TurnEnded)]
        # Who gave a place up wrote that down, too, or died before that.
        left = [one.change for one in changes if isinstance(one.change, PlaceLeft)]
        begun = await self._note(connection, event_id, changes)
        for at_ms, turn in turns:
            if turn.rank in begun:
                joined_at = begun[turn.rank].joined_at
                self.waits.add(max(0.0, at_ms / 1_000 - joined_at.timestamp()))
        ends = [EndedTurn(one.rank, one.user, one.why) for one in ended]
        ends += [EndedTurn(one.rank, one.whose, "left") for one in left]
        over = await note_ended(connection, event_id, ends)
        notices = [
            _turn(event_id, one, begun[one.rank]) for one in given if one.rank in begun
        ]
        notices += [
            _over(event_id, one, over[one.rank])
            for one in ended
            if one.rank in over and one.why == "ran_out"
        ]
        await raise_notices(connection, notices)
        states = [
            one.change.to for one in changes if isinstance(one.change, SaleChanged)
        ]
        if states and states[-1] in OVER:
            await note_closed(connection, event_id)

    @staticmethod
    async def _note(
        connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> dict[int, Noted]:
        """Write turns that were given, and until when a recovery kept those before."""
        begun: dict[int, Noted] = {}
        given: list[GivenTurn] = []
        for one in changes:
            if isinstance(one.change, TurnGiven):
                given.append(_given(one.change))
            elif isinstance(one.change, TurnsKept):
                begun |= await note_given(connection, event_id, given)
                given = []
                await note_kept(connection, event_id, one.change.until_ms)
        return begun | await note_given(connection, event_id, given)


def end_of(turn: TurnGiven) -> int:
    """Return when what a turn gives ends: the hold where there is one."""
    return turn.until_ms if turn.hold is None else turn.deadline_ms


def _given(turn: TurnGiven) -> GivenTurn:
    return GivenTurn(turn.rank, turn.user, turn.because, end_of(turn), turn.hold)


def _turn(event: str, turn: TurnGiven, row: Noted) -> Notice:
    """Return what somebody is told who has a turn, with places that are held or not."""
    data: dict[str, Any] = {"rank": turn.rank, "until_ms": end_of(turn)}
    if turn.hold is not None:
        data["quantity"] = turn.quantity
    return Notice(
        kind="turn" if turn.hold is None else "offer",
        subject=row.stub.hex(),
        user_id=turn.user,
        locale=row.locale,
        event_id=event,
        data=data,
    )


def _over(event: str, turn: TurnEnded, row: Noted) -> Notice:
    """Return what somebody is told whose turn ran out, unused."""
    return Notice(
        kind="offer_over",
        subject=row.stub.hex(),
        user_id=turn.user,
        locale=row.locale,
        event_id=event,
        data={"rank": turn.rank, "held": row.hold is not None},
    )
