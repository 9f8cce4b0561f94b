"""An event's journal as its organiser may read it: every version, in order.

Seats are named by label. Holds are named by a digest of their token: the token itself
is its buyer's secret, the digest follows one hold through the pages.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, get_args

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from inventory.changes import (
    AnyChange,
    EntrantsFixed,
    LineDrawn,
    LineFed,
    LineOpened,
    LineSet,
    LineTuned,
    PlaceLeft,
    PresenceNoted,
    RoundPutOff,
    TurnEnded,
    TurnGiven,
    WishesRecast,
    WishSet,
)
from inventory.loading import decode_changes
from inventory.ports import JournalRow
from inventory.settings import Money, Settings
from inventory.venue.map import Venue
from server.events.catalogue.bodies import settings_fields
from server.events.catalogue.rest import find_managed_event
from server.live.actors.registry import JOURNAL
from server.transport.http.problems import BAD_FIELD
from server.transport.rest.call import Call
from server.transport.rest.paging import (
    Page,
    page_of,
    read_cursor,
    read_limit,
    read_number,
)
from server.transport.rest.query import bool_of
from server.transport.rest.route import EVENT, PAGING, Query, Route
from server.transport.rest.times import from_ms

HOLD_NAME_BYTES: Final = 8
ROWS_PER_READ: Final = 16
"""A row holds one version or thousands, so rows are read a few at a time."""


class JournalEntry(Struct, kw_only=True):
    """One version of an event: what changed, and when it was committed."""

    version: int
    at: datetime
    change: str
    hold: str | UnsetType = UNSET
    user: str | UnsetType = UNSET
    seats: list[str] | UnsetType = UNSET
    areas: dict[str, int] | UnsetType = UNSET
    deadline: datetime | UnsetType = UNSET
    booking: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    order: str | UnsetType | None = UNSET
    total: Money | UnsetType = UNSET
    """What went into the hold costs, or the booking; absent where nothing had a price,
    and where a former version did not keep it."""
    status: str | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    until: datetime | UnsetType = UNSET
    why: str | UnsetType = UNSET
    """Why somebody had a turn of the line, or what ended it."""
    act: str | UnsetType = UNSET
    """What somebody who manages the event did to the line."""
    reason: str | UnsetType = UNSET
    """Why seats or places went off sale, where that was said."""


async def show_journal(call: Call) -> web.Response:
    """Show an event's committed changes, in order."""
    event = await find_managed_event(call)
    query = call.request.query
    limit = read_limit(query)
    first = read_number("after", query.get("after", "0"))
    cursor = read_cursor(query, int)
    after = first if cursor is None else cursor
    entries: list[JournalEntry] = []
    # One version more than asked for tells whether a further page has anything.
    while len(entries) <= limit:
        reached = entries[-1].version if entries else after
        rows = await call[JOURNAL].load_rows(event.id, reached, ROWS_PER_READ)
        if not rows:
            break
        wanted = limit + 1 - len(entries)
        entries += entries_of(rows, reached, event.board.venue, wanted)
    page = entries[:limit]
    further = page[-1].version if len(entries) > limit else None
    counted = bool_of(query, "count")
    # Versions have no holes.
    total = max(0, event.board.version - first) if counted else UNSET
    return call.read(page_of(page, further, total))


def entries_of(
    rows: list[JournalRow], after: int, venue: Venue, limit: int
) -> list[JournalEntry]:
    """Return the versions above `after` in these rows, at most `limit`."""
    entries: list[JournalEntry] = []
    for row in rows:
        for version, change in enumerate(decode_changes(row.body), row.base + 1):
            if version <= after:
                continue
            if len(entries) == limit:
                return entries
            entries.append(describe(change, version, row.at_ms, venue))
    return entries


def describe(change: AnyChange, version: int, at_ms: int, venue: Venue) -> JournalEntry:
    """Return one change in words that its organiser knows."""
    tag = type(change).__struct_config__.tag
    entry = JournalEntry(version=version, at=from_ms(at_ms), change=str(tag))
    for field in change.__struct_fields__:
        if field in _UNTOLD:
            continue
        name, tell = _TELLERS[field]
        setattr(entry, name, tell(getattr(change, field), venue))
    return entry


def name_of_hold(token: str) -> str:
    """Return what a hold is called where its token must not be seen."""
    return "h-" + blake2b(token.encode(), digest_size=HOLD_NAME_BYTES).hexdigest()


def _seat_labels(seats: list[int], venue: Venue) -> list[str]:
    return [venue.labels[index] for index in seats]


def _area_labels(areas: dict[int, int], venue: Venue) -> dict[str, int]:
    return {venue.areas[index].label: n for index, n in areas.items()}


def _settings(settings: Settings, _venue: Venue) -> dict[str, Any]:
    fields = {**settings_fields(settings), "deleted": settings.deleted}
    if settings.capacity is not None:
        fields["capacity"] = settings.capacity
    return fields


def _cost(total: Money | None) -> Money | UnsetType:
    return UNSET if total is None else total


def _time(unix_ms: int, _venue: Venue) -> datetime:
    return from_ms(unix_ms)


def _same(value: object, _venue: Venue) -> object:
    return value


_TELLERS: Final[dict[str, tuple[str, Callable[[Any, Venue], Any]]]] = {
    "hold": ("hold", lambda token, _venue: name_of_hold(token) if token else UNSET),
    "user": ("user", _same),
    "seats": ("seats", _seat_labels),
    "areas": ("areas", _area_labels),
    "deadline_ms": ("deadline", lambda ms, venue: _time(ms, venue) if ms else UNSET),
    "booking": ("booking", _same),
    "reference": ("reference", _same),
    "order": ("order", _same),
    "prices": ("total", lambda prices, _venue: _cost(prices and prices.total())),
    "total": ("total", lambda total, _venue: _cost(total)),
    "to": ("status", _same),
    "settings": ("settings", _settings),
    "until_ms": ("until", _time),
    "because": ("why", _same),
    "why": ("why", _same),
    "act": ("act", _same),
    "reason": ("reason", lambda reason, _venue: reason or UNSET),
}
"""For each field of a change: what it is called here, and how it is told."""

_OF_THE_LINE: Final = frozenset(
    field
    for change_type in (
        LineOpened,
        RoundPutOff,
        EntrantsFixed,
        LineDrawn,
        LineFed,
        LineTuned,
        LineSet,
        PresenceNoted,
        PlaceLeft,
        TurnGiven,
        TurnEnded,
        WishSet,
        WishesRecast,
    )
    for field in change_type.__struct_fields__
    if field not in _TELLERS
)
"""For this there is the transcript of the line: there ranks have no names, and names
here have no ranks."""

_UNTOLD: Final = frozenset({"origin", "by_order", "kinds", "places"}) | _OF_THE_LINE
"""Where somebody held from is counted by, and told to nobody; whose word `order` is
says the `pledged` of the hold. Types are told with the lines of their order."""

# A change with a field that nobody thought about would show it, or fail, in production.
assert all(
    field in _TELLERS or field in _UNTOLD
    for change_type in get_args(AnyChange)
    for field in change_type.__struct_fields__
)


AFTER: Final = Query(
    "after", {"type": "integer", "minimum": 0, "default": 0}, "Only later versions."
)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/events/{event}/journal",
        handler=show_journal,
        name="show_journal",
        summary="Show an event's committed changes in order",
        tag="Events",
        access="manager",
        scope="events:read",
        answers=Page[JournalEntry],
        cached=True,
        query=(AFTER, *PAGING),
        problems=(BAD_FIELD, *EVENT),
    ),
)
