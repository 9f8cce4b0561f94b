"""What becomes of turns in the rows of their places, and what its SQL does to them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from inventory.line.draw import split
from persistence.events.line import turns
from tests.simulation.line.tables import columns, places
from tests.simulation.statements import Connection, Row, Rows, Store, does

EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _by_rank(
    connection: Connection, event: str, several: Sequence[Sequence[Any]]
) -> list[tuple[Row, list[Any]]]:
    line = connection.store.line.get(event)
    if line is None:
        return []
    mine = {
        (_rank_drawn(connection.store, one), one["user_id"]): one
        for one in places(connection, event, line["draw"])
    }
    rows = [
        (mine.get((rank, user)), rank, rest)
        for rank, user, *rest in zip(*several, strict=True)
    ]
    return [({**one, "rank": at}, rest) for one, at, rest in rows if one is not None]


def _rank_drawn(store: Store, one: Row) -> int | None:
    """Return the rank of a place, where that is only in the segments, too."""
    if one["rank"] is not None or one["late"]:
        return one["rank"]  # type: ignore[no-any-return]
    for (event, draw, first), segment in store.line_segment.items():
        stubs = split(segment["stubs"])
        if (event, draw) == (one["event_id"], one["draw"]) and one["stub"] in stubs:
            return int(first) + stubs.index(one["stub"])
    return None


@does(turns._GIVEN)
def _given(connection: Connection, event: str, *several: Any) -> Rows:
    found = []
    for one, (because, until_ms, hold) in _by_rank(connection, event, several):
        until = EPOCH + timedelta(milliseconds=until_ms)
        fields = {"turn": because, "hold": hold, "turn_until": until}
        fields["rank"] = one["rank"]
        connection.change(connection.store.line_entry, one["entry_id"], **fields)
        found.append(columns(one, ("rank", "stub", "locale", "joined_at")))
    return found


@does(turns._ENDED)
def _ended(connection: Connection, event: str, *several: Any) -> Rows:
    found = []
    for one, (why,) in _by_rank(connection, event, several):
        if one["over_at"] is None:
            fields = {"ended": why, "over_at": connection.store.now()}
            fields["rank"] = one["rank"]
            connection.change(connection.store.line_entry, one["entry_id"], **fields)
            found.append(columns(one, ("rank", "stub", "locale", "joined_at", "hold")))
    return found


@does(turns._CLOSED)
def _closed(connection: Connection, event: str) -> Rows:
    row = connection.store.line.get(event)
    if row is not None and row["phase"] != "over":
        closed_at = row["closed_at"] or connection.store.now()
        fields = {"phase": "over", "closed_at": closed_at}
        connection.change(connection.store.line, event, **fields)
    return []
