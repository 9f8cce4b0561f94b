"""Events as rows: what a list is filtered and sorted by, and where its pages begin.

A statement has the conditions that were asked for and no others, so that Postgres can
plan it for them; texts of clients go into its parameters only. A page begins after the
sort key and the id of the last row, so that rows that come or go move no other.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from inventory.settings import Settings
from persistence import limits
from persistence.errors import BadCursor
from persistence.events.details import NO_FEES, NO_TAX, Fees, Late, Tax
from persistence.postgres.cursors import fetched
from persistence.postgres.pool import Row

Sort = Literal[
    "starts_at",
    "-starts_at",
    "name",
    "-name",
    "created_at",
    "-created_at",
    "registrations",
    "-registrations",
    "near",
]
"""A minus turns the order round: `-registrations` begins with the most. `near` begins
with what is nearest to the time of the filter."""

EVENT: Final = """
SELECT e.event_id, e.settings::text AS settings, e.created_by, e.request_hash,
    e.created_at, e.starts_at, e.organisation_id, v.capacity,
    e.description, e.category, e.tags, e.image_id, i.width, i.height, i.caption,
    i.created_by AS uploaded_by, i.created_at AS uploaded_at, e.venue_name, v.address,
    coalesce(p.registrations, 0) AS registrations, lower(e.name) AS sort_name,
    CASE WHEN v.capacity IS NULL THEN e.venue_id END AS venue,
    e.calendar_changed_at, e.calendar_sequence, e.details_revision,
    e.fees::text AS fees, e.tax::text AS tax, e.late,
    v.seats + (SELECT coalesce(sum(c), 0) FROM unnest(v.area_capacities) AS a(c))
        AS places
FROM event e JOIN venue v USING (venue_id)
    LEFT JOIN event_popularity p USING (event_id)
    LEFT JOIN image i USING (image_id)
"""
RUN_BY: Final = """
({table}.organisation_id IN (
        SELECT organisation_id FROM organisation_member WHERE user_id = {user})
    OR {table}.organisation_id IS NULL AND {table}.created_by = {user})
"""
"""Whether a user belongs to the organisation of something, or made it for none."""

# Sorted by its own column, so that an index gives the order; each event has a row.
_RANKED: Final = EVENT.replace("LEFT JOIN event_popularity", "JOIN event_popularity")

_KEYS: Final = {
    "starts_at": ("e.starts_at", "timestamptz", "starts_at"),
    "created_at": ("e.created_at", "timestamptz", "created_at"),
    "name": ('lower(e.name) COLLATE "C"', "text", "sort_name"),
    "registrations": ("p.registrations", "bigint", "registrations"),
}
"""By its name: a sort's expression, its type, and the column that holds its value."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_settings = msgspec.json.Decoder(Settings).decode
_fees = msgspec.json.Decoder(Fees).decode
_tax = msgspec.json.Decoder(Tax).decode
_position = msgspec.msgpack.Decoder(tuple[str, int | str, str]).decode


class Details(Struct, frozen=True, kw_only=True):
    """What the catalogue tells of an event, and no journal knows."""

    description: str = ""
    category: str | None = None
    tags: tuple[str, ...] = ()
    fees: Fees = NO_FEES
    tax: Tax = NO_TAX
    late: Late = "same"


class ImageRow(Struct, frozen=True):
    """The image of an event, in its original proportions."""

    image: str
    width: int
    height: int
    caption: str
    uploaded_by: str
    uploaded_at: datetime


class EventRow(Struct, frozen=True):
    """An event as last committed; it has a venue or a capacity."""

    event: str
    venue: str | None
    capacity: int | None
    settings: Settings
    created_by: str
    request_hash: bytes
    created_at: datetime
    starts_at: datetime
    organisation: str | None = None
    details: Details = Details()
    image: ImageRow | None = None
    registrations: int = 0
    venue_name: str = ""
    venue_address: str = ""
    places: int = 0
    """Seats and places of its venue, as that was made."""
    changed_at: datetime | None = None
    """The last time that something was changed of what can be edited."""
    changes: int = 0
    """How often it was."""
    details_revision: int = 0
    """How often the details or the image were changed."""

    @property
    def revision(self) -> int:
        """How often was changed what clients may edit of the event."""
        return self.settings.revision + self.details_revision


class Near(Struct, frozen=True):
    """A time, and how long before and after it events may begin; None for any."""

    at: datetime
    within: timedelta | None


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events are asked for: those to which all of this applies.

    `from_ms` is included, `to_ms` is not. What is `upcoming` has not begun, and is
    neither cancelled nor completed. One of the prices is from `price_min` to
    `price_max`, in minor units. Each word of a `text` is in the name, or
    begins one in the venue's name, the category, the tags or the description, as
    `search_query` of migration 0014 reads it. Drafts of organisations are in the lists
    of their own only.
    """

    status: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    text: str | None = None
    category: str | None = None
    tags: tuple[str, ...] = ()
    organisation: str | None = None
    venue: str | None = None
    drafts: bool = False
    made_by: str | None = None
    """Whose drafts without organisation are wanted; None is everybody's."""
    run_by: str | None = None
    """Only those of this user's organisations, and those they made for none; with their
    drafts, whoever made them."""
    all_drafts: bool = False
    """Drafts of all organisations as well, as administrators see them."""
    upcoming: bool | None = None
    free: bool | None = None
    price_min: int | None = None
    price_max: int | None = None
    currency: str | None = None
    near: Near | None = None


class _Order(Struct, frozen=True):
    """What a list is sorted by: an expression in SQL, and its type."""

    name: str
    """By which a cursor knows the list again."""
    expression: str
    kind: str
    descending: bool = False


class Conditions:
    """The conditions of a statement, and its parameters."""

    def __init__(self) -> None:
        self.texts = ["e.deleted_at IS NULL"]
        self.values: list[object] = []

    def add(self, text: str, *values: object) -> None:
        """Add a condition with a `{}` for each of its values."""
        self.texts.append(text.format(*(self.place(value) for value in values)))

    def place(self, value: object) -> str:
        """Return where a value stands among the parameters."""
        self.values.append(value)
        return f"${len(self.values)}"


def list_statement(
    wanted: EventFilter, sort: Sort, cursor: str | None, limit: int
) -> tuple[str, list[object]]:
    """Return the statement that lists a page and one row more; raises `BadCursor`."""
    conditions = _conditions_of(wanted)
    by = _order_of(wanted, sort, conditions)
    beyond, order = ("<", " DESC") if by.descending else (">", "")
    if cursor is not None:
        value, last = _read_cursor(cursor, by)
        conditions.add(
            f"({by.expression}, e.event_id) {beyond} ({{}}::{by.kind}, {{}})",
            value,
            last,
        )
    where = "\n    AND ".join(conditions.texts)
    source = _RANKED if sort.endswith("registrations") else EVENT
    limited = conditions.place(fetched(limit))
    sql = (
        f"{source}WHERE {where}\nORDER BY {by.expression}{order}, e.event_id{order}"
        f" LIMIT {limited}"
    )
    return sql, conditions.values


def count_statement(wanted: EventFilter) -> tuple[str, list[object]]:
    """Return the statement that counts what all pages have together."""
    conditions = _conditions_of(wanted)
    where = "\n    AND ".join(conditions.texts)
    sql = "SELECT count(*) AS total FROM event e JOIN venue v USING (venue_id)\n"
    return f"{sql}WHERE {where}", conditions.values


def _order_of(wanted: EventFilter, sort: Sort, conditions: Conditions) -> _Order:
    if sort != "near":
        expression, kind, _ = _KEYS[sort.removeprefix("-")]
        return _Order(sort, expression, kind, sort.startswith("-"))
    if wanted.near is None:
        raise ValueError("near what?")
    at = conditions.place(wanted.near.at)
    microseconds = f"extract(epoch FROM e.starts_at - {at}::timestamptz) * 1000000"
    return _Order(_name_of(wanted, sort), f"abs({microseconds})::bigint", "bigint")


def _name_of(wanted: EventFilter, sort: Sort) -> str:
    """Return by what a cursor knows its list again."""
    if wanted.near is None or sort != "near":
        return sort
    return f"near {wanted.near.at.timestamp()}"


def page_of(
    rows: list[Row], wanted: EventFilter, sort: Sort, limit: int
) -> tuple[list[EventRow], str | None]:
    """Return the page of what the statement found, and the cursor of the next one."""
    size = min(limit, limits.PAGE_MAX)
    events = [event_of(row) for row in rows[:size]]
    if len(rows) <= size:
        return events, None
    last = rows[size - 1]
    if sort == "near" and wanted.near is not None:
        value = abs(last["starts_at"] - wanted.near.at) // _MICROSECOND
    else:
        value = last[_KEYS[sort.removeprefix("-")][2]]
    if isinstance(value, datetime):
        value = (value - _EPOCH) // _MICROSECOND
    packed = msgspec.msgpack.encode((_name_of(wanted, sort), value, last["event_id"]))
    return events, base64.urlsafe_b64encode(packed).decode()


def event_of(row: Row) -> EventRow:
    """Return an event from a row of `EVENT`."""
    return EventRow(
        event=row["event_id"],
        venue=row["venue"],
        capacity=row["capacity"],
        settings=_settings(row["settings"]),
        created_by=row["created_by"],
        request_hash=row["request_hash"],
        created_at=row["created_at"],
        starts_at=row["starts_at"],
        organisation=row["organisation_id"],
        details=Details(
            description=row["description"],
            category=row["category"],
            tags=tuple(row["tags"]),
            fees=_fees(row["fees"]),
            tax=_tax(row["tax"]),
            late=row["late"],
        ),
        image=_image_of(row),
        registrations=row["registrations"],
        venue_name=row["venue_name"],
        venue_address=row["address"] or "",
        places=row["places"],
        changed_at=row["calendar_changed_at"],
        changes=row["calendar_sequence"],
        details_revision=row["details_revision"],
    )


def _image_of(row: Row) -> ImageRow | None:
    if row["image_id"] is None:
        return None
    return ImageRow(
        image=row["image_id"],
        width=row["width"],
        height=row["height"],
        caption=row["caption"],
        uploaded_by=row["uploaded_by"],
        uploaded_at=row["uploaded_at"],
    )


def _conditions_of(wanted: EventFilter) -> Conditions:
    found = Conditions()
    if not wanted.drafts:
        found.add("e.status <> 'draft'")
    elif wanted.run_by is not None:
        found.add(RUN_BY.format(table="e", user="{0}"), wanted.run_by)
    elif wanted.organisation is None and not wanted.all_drafts:
        found.add("(e.organisation_id IS NULL OR e.status <> 'draft')")
        if wanted.made_by is not None:
            found.add("(e.created_by = {} OR e.status <> 'draft')", wanted.made_by)
    for text, value in (
        ("e.status = {}", wanted.status),
        ("e.starts_at >= {}", maybe_time_of(wanted.from_ms)),
        ("e.starts_at < {}", maybe_time_of(wanted.to_ms)),
        ("e.organisation_id = {}", wanted.organisation),
        # The hidden venue of an event with just a capacity is no place to look for.
        ("e.venue_id = {} AND v.capacity IS NULL", wanted.venue),
        ("lower(e.category) = lower({})", wanted.category),
        ("e.tags @> {}", list(wanted.tags) or None),
    ):
        if value is not None:
            found.add(text, value)
    _add_times(found, wanted)
    _add_prices(found, wanted)
    if wanted.text is not None:
        found.add("e.words @@ search_query({})", wanted.text)
    return found


def _add_times(found: Conditions, wanted: EventFilter) -> None:
    if wanted.upcoming is True:
        found.add("e.starts_at > now() AND e.status NOT IN ('cancelled', 'completed')")
    elif wanted.upcoming is False:
        found.add("(e.starts_at <= now() OR e.status IN ('cancelled', 'completed'))")
    if wanted.near is not None and wanted.near.within is not None:
        # Reckoned there, where there are years before the first and after 9999.
        found.add(
            "e.starts_at BETWEEN {0}::timestamptz - {1}::interval"
            " AND {0}::timestamptz + {1}::interval",
            wanted.near.at,
            wanted.near.within,
        )


def _add_prices(found: Conditions, wanted: EventFilter) -> None:
    if wanted.free is not None:
        # As the condition of an index has it.
        found.add(f"e.amounts {'=' if wanted.free else '<>'} '{{{{[0,1)}}}}'")
    if wanted.price_min is not None or wanted.price_max is not None:
        found.add(
            "e.amounts && int8range({}, {}, '[]')", wanted.price_min, wanted.price_max
        )
    if wanted.currency is not None:
        found.add("e.currency = {}", wanted.currency)


def _read_cursor(cursor: str, by: _Order) -> tuple[Any, str]:
    """Return the sort key and the id after which a page begins."""
    try:
        raw = base64.b64decode(cursor.encode("ascii"), b"-_", validate=True)
        named, value, last = _position(raw)
        kind = by.kind
        fits = isinstance(value, str) == (kind == "text")
        if named != by.name or not fits or "\0" in f"{value}{last}":
            raise BadCursor("not a cursor of this list")
        if kind == "bigint" and not -(2**63) <= int(value) < 2**63:
            raise BadCursor("not a cursor of this list")
        if kind == "timestamptz":
            return _EPOCH + int(value) * _MICROSECOND, last
        return value, last
    except (binascii.Error, msgspec.MsgspecError, OverflowError, UnicodeError) as error:
        raise BadCursor("not a cursor of this list") from error


def time_of(unix_ms: int) -> datetime:
    """Return Unix milliseconds as a time in UTC."""
    return _EPOCH + timedelta(milliseconds=unix_ms)


def maybe_time_of(unix_ms: int | None) -> datetime | None:
    """Return Unix milliseconds as a time in UTC, None for none."""
    return None if unix_ms is None else time_of(unix_ms)
