"""Scans at a gate that can ask us: one is claimed by its nonce, judged, and noted.

Of many scans of one ticket at once the database picks the one that moves it: the
statement that does so takes the row only in a standing that the rules let pass. While
a scan is under way its ticket cannot be given back, and the other way round: both lock
it.

All of that is one call (`scan_ticket`), which commits by itself. So the rules go
there as a table of all cases: what they say of the state of a ticket, whether the code
is of its generation, and so on. They may depend on nothing else.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import product
from typing import Any, Final, get_args

from msgspec import Struct

from persistence.postgres.pool import ForeignKeyViolation, Pool
from persistence.shop.checkin.facts import (
    STANDINGS,
    Direction,
    ListSeen,
    Result,
    Standing,
    TicketSeen,
)

Judge = Callable[[TicketSeen, int, ListSeen, Standing, Direction], Result]
"""Decides about one scan of a ticket: the generation of its code, where the holder is,
and which way they go."""

RESULTS: Final[tuple[Result, ...]] = get_args(Result)
TICKET_STATES: Final = ("valid", "offered", "locked", "revoked", "any other")
_LETTERS: Final = dict(zip(RESULTS, "abcdefghijklmnopqrstuvwxyz", strict=False))
_SCAN: Final = """
SELECT * FROM scan_ticket($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
_IS_IN = """
SELECT DISTINCT ticket_id FROM checkin_state
WHERE ticket_id = ANY ($1::text[]) AND state <> 'never'
"""


class NoList(Exception):
    """The event has no such list."""


class NewScan(Struct, frozen=True):
    """One scan, as the device asks for it."""

    event_id: str
    nonce: str
    list_id: str
    request_hash: bytes
    """Of all that makes it another scan: the code, the list, the gate, the way."""
    direction: Direction
    gate: str
    who: str


class KeptScan(Struct, frozen=True):
    """A scan as it was answered, and is again whenever it is repeated."""

    list_id: str
    request_hash: bytes
    direction: Direction
    gate: str
    who: str
    at: datetime
    ticket_id: str | None
    result: Result
    label: str | None
    category: str | None
    before_at: datetime | None
    before_gate: str | None
    before_who: str | None


class Scans:
    """Keeps scans and says what they are answered. Raises `Unavailable`."""

    def __init__(self, pool: Pool, judge: Judge) -> None:
        self._pool = pool
        self._verdicts = {way: verdicts_of(judge, way) for way in get_args(Direction)}

    async def scan(
        self, new: NewScan, code: tuple[str, int] | None, known: Result | None
    ) -> KeptScan:
        """Keep a scan and answer it; one with this nonce is answered as it was.

        `code` is the number and the generation that it says; without one it is `known`
        what the answer is. Raises `NoList`.
        """
        number, generation = (None, None) if code is None else code
        try:
            row = await self._pool.fetch_one(
                _SCAN,
                new.event_id,
                new.nonce,
                new.list_id,
                new.request_hash,
                new.direction,
                new.gate,
                new.who,
                known or "unknown",
                number,
                generation,
                self._verdicts[new.direction],
                RESULTS,
                TICKET_STATES,
                STANDINGS,
            )
        except ForeignKeyViolation as error:
            raise NoList(new.list_id) from error
        assert row is not None, "a scan is claimed, or was"
        return KeptScan(**row)


def verdicts_of(judge: Judge, direction: Direction) -> str:
    """Return what the rules say of all cases, as `scan_ticket` reads them.

    A letter for each: `a` is the first of `RESULTS`.
    """
    no_yes = (False, True)
    cases = product(TICKET_STATES, no_yes, no_yes, no_yes, no_yes, STANDINGS)
    return "".join(
        _LETTERS[
            judge(
                TicketSeen("", state, 1, "", "listed" if is_listed else None),
                1 if is_current else 0,
                ListSeen(reentry, is_open, ["listed"]),
                standing,
                direction,
            )
        ]
        for state, is_current, is_listed, reentry, is_open, standing in cases
    )


# asyncpg ships no types, hence Any for its connection.
async def is_in(connection: Any, tickets: Iterable[str]) -> set[str]:
    """Return those of some tickets with which somebody came in, on any list.

    Also who went out again was in: their tickets were used. In a transaction that holds
    the rows of these tickets, as whoever gives them back does, none of them comes in
    afterwards.
    """
    rows = await connection.fetch(_IS_IN, list(tickets))
    return {row["ticket_id"] for row in rows}
