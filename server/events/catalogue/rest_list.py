"""The list of events: filtered, searched, sorted, in pages."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final, cast, get_args

from aiohttp import web
from msgspec import json

from inventory.limits import ID_LENGTH_MAX
from inventory.settings import SaleState
from persistence.events.rows import EventFilter, Near, Sort
from server.base.access import drafts_of
from server.events.catalogue.bodies import EventSummary, tags_of
from server.events.catalogue.rest import summary_of
from server.live.actors.registry import CATALOG
from server.live.fanout.hub import HUB
from server.people.organisations.membership import MEMBERSHIPS
from server.people.organisations.rows import ONE, listing, require_membership
from server.transport.http.problems import BAD_FIELD, UNAVAILABLE, bad_field
from server.transport.http.response_cache import CACHES
from server.transport.rest.call import Call
from server.transport.rest.paging import Page, read_limit, read_number, total_of
from server.transport.rest.query import bool_of, choice_of, text_of, time_of
from server.transport.rest.route import PAGING, Query, Route
from server.transport.rest.times import maybe_to_ms

LIST_S_MAX: Final = 1.0
"""How old a buyer's list may be where its process did not hear of a change."""

QUERY_LENGTH_MAX: Final = 200
WORD_LENGTH_MAX: Final = 50
TAGS_MAX: Final = 20
SORTS: Final = get_args(Sort)
NEAR: Final = timedelta(days=7)
"""How long before and after something is near."""

PRICE_MAX: Final = 10**15
CURRENCY_LENGTH: Final = 3

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORD: Final = {"type": "string", "minLength": 1, "maxLength": WORD_LENGTH_MAX}
_PRICE: Final = {"type": "integer", "minimum": 0, "maximum": PRICE_MAX}
_ID: Final = {"type": "string", "minLength": 1, "maxLength": ID_LENGTH_MAX}

UPCOMING: Final = Query(
    "upcoming",
    {"type": "boolean"},
    "Only those that have not begun, and are neither cancelled nor completed; or"
    " only the others.",
)
EVENT_FILTERS: Final = (
    Query(
        "status",
        {"type": "string", "enum": list(get_args(SaleState))},
        "Only events in this state.",
    ),
    Query(
        "from",
        {"type": "string", "format": "date-time"},
        "Only those that begin then or later.",
    ),
    Query(
        "to",
        {"type": "string", "format": "date-time"},
        "Only those that begin before this.",
    ),
    Query(
        "q",
        {"type": "string", "maxLength": QUERY_LENGTH_MAX},
        "Only those that have each of these words in the name, whole or in part, or a"
        " word beginning with it in the venue's name, the category, the tags or the"
        " description; in any order, and without regard to case, accents and"
        " punctuation.",
    ),
    Query("category", _WORD, "Only this category, in upper or lower case."),
    Query(
        "tag",
        {"type": "array", "items": _WORD, "maxItems": TAGS_MAX},
        "Only those with this tag; given several times, with all of them.",
    ),
    Query("organisation", _ID, "Only those of this organisation."),
    Query("venue", _ID, "Only those at this venue."),
    UPCOMING,
    Query(
        "free",
        {"type": "boolean"},
        "Only those where nothing costs anything; or only the others.",
    ),
    Query(
        "price_min",
        _PRICE,
        "Only those with a price of so much or more, in minor units; a free event has"
        " the price 0. Together with `price_max` it is one price that lies between.",
    ),
    Query(
        "price_max",
        _PRICE,
        "Only those with a price of so much or less, in minor units.",
    ),
    Query(
        "currency",
        {"type": "string", "pattern": "^[A-Za-z]{3}$"},
        "Only those with prices in this currency, as `EUR`.",
    ),
    Query(
        "near",
        {"anyOf": [{"type": "string", "format": one} for one in ("date", "date-time")]},
        "The nearest to this day, in UTC, or to this time first, unless `sort` says"
        " otherwise; and only those that begin up to seven days before or after, unless"
        " `from` or `to` says otherwise. A day is reckoned from its noon.",
    ),
    Query(
        "sort",
        {"type": "string", "enum": list(SORTS), "default": "starts_at"},
        "What comes first; a minus turns the order round. `-registrations` begins with"
        " the most booked, as of a few seconds ago; `near`, which is the usual order"
        " where that is given, with the nearest.",
    ),
)


async def list_events(call: Call) -> web.Response:
    """List the events, in order of their beginning unless asked otherwise."""
    lists = call[CACHES].lists
    name = call.request.rel_url.raw_query_string
    # Taken before the rows are: what changes while they come belongs to the next list.
    # By the second, because another process may have changed an event unheard.
    stamp = (lists.generation, int(call[HUB].now() / LIST_S_MAX))
    # An organiser sees drafts, and looks for what it has just changed.
    known = None if call.organizer else lists.get(name, stamp)
    if known is not None:
        return call.read(known.body, known.etag)
    query, wanted = call.request.query, await _wanted(call)
    rows, cursor = await call[CATALOG].list_events(
        wanted,
        limit=read_limit(query),
        sort=_sort_of(query, wanted),
        cursor=query.get("cursor"),
    )
    total = await total_of(query, partial(call[CATALOG].count_events, wanted))
    page = Page([summary_of(row, row.settings) for row in rows], cursor, total)
    if call.organizer:
        return call.read(page)
    made = lists.put(name, json.encode(page), stamp=stamp)
    return call.read(made.body, made.etag)


async def list_organisation_events(call: Call) -> web.Response:
    """List an organisation's events, drafts included, in order of their beginning."""
    membership, query = await require_membership(call, "member"), call.request.query
    wanted = EventFilter(drafts=True, organisation=membership.id)
    rows, cursor = await call[CATALOG].list_events(
        wanted, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(call[CATALOG].count_events, wanted))
    shown = [summary_of(row, row.settings) for row in rows]
    return call.read(Page(shown, cursor, total))


async def list_my_events(call: Call) -> web.Response:
    """List what the caller runs, drafts included; for administrators everything."""
    query, run_by = call.request.query, drafts_of(call.who)
    upcoming = bool_of(query, "upcoming")
    wanted = EventFilter(
        drafts=True, run_by=run_by, all_drafts=run_by is None, upcoming=upcoming
    )
    rows, cursor = await call[CATALOG].list_events(
        wanted,
        limit=read_limit(query),
        sort="-starts_at" if upcoming is False else "starts_at",
        cursor=query.get("cursor"),
    )
    total = await total_of(query, partial(call[CATALOG].count_events, wanted))
    shown = [summary_of(row, row.settings) for row in rows]
    return call.read(Page(shown, cursor, total))


async def _wanted(call: Call) -> EventFilter:
    """Return what the query asks for."""
    query = call.request.query
    organisation = text_of(query, "organisation", ID_LENGTH_MAX)
    lowest, highest = _price_of(query, "price_min"), _price_of(query, "price_max")
    if lowest is not None and highest is not None and lowest > highest:
        raise bad_field("price_max", "Not less than price_min.")
    return EventFilter(
        status=choice_of(query, "status", get_args(SaleState)),
        from_ms=maybe_to_ms(time_of(query, "from")),
        to_ms=maybe_to_ms(time_of(query, "to")),
        text=text_of(query, "q", QUERY_LENGTH_MAX) if query.get("q") else None,
        category=text_of(query, "category", WORD_LENGTH_MAX),
        tags=_tags_of(query.getall("tag", [])),
        organisation=organisation,
        venue=text_of(query, "venue", ID_LENGTH_MAX),
        # What is not announced yet is the business of those who run it.
        drafts=call.organizer
        and (
            organisation is None
            or await call[MEMBERSHIPS].belongs(call.identity, organisation)
        ),
        made_by=None if call.identity is None else drafts_of(call.identity),
        upcoming=bool_of(query, "upcoming"),
        free=bool_of(query, "free"),
        price_min=lowest,
        price_max=highest,
        currency=_currency_of(query),
        near=_near_of(query),
    )


def _sort_of(query: Mapping[str, str], wanted: EventFilter) -> Sort:
    usual = "starts_at" if wanted.near is None else "near"
    asked = choice_of(query, "sort", SORTS) or usual
    if asked == "near" and wanted.near is None:
        raise bad_field("sort", "Say with `near` what is to be near.")
    return cast(Sort, asked)


def _price_of(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    price = read_number(name, text)
    if price > PRICE_MAX:
        raise bad_field(name, f"At most {PRICE_MAX}.")
    return price


def _currency_of(query: Mapping[str, str]) -> str | None:
    text = query.get("currency")
    if text is None:
        return None
    if not (len(text) == CURRENCY_LENGTH and text.isascii() and text.isalpha()):
        raise bad_field("currency", "Three letters, as EUR.")
    return text.upper()


def _near_of(query: Mapping[str, str]) -> Near | None:
    """Return the time that events are to be near, and how far they may be from it."""
    text = query.get("near")
    if text is None:
        return None
    within = None if "from" in query or "to" in query else NEAR
    if "T" in text.upper() or " " in text:
        at = time_of(query, "near")
        assert at is not None
        return Near(at.astimezone(UTC), within)
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise bad_field("near", "A day, as 2026-12-24, or a time with its offset.")
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    # To the ends of the first and the last day.
    return Near(noon, within and within + timedelta(hours=12))


def _tags_of(texts: Iterable[str]) -> tuple[str, ...]:
    asked = list(texts)
    if len(asked) > TAGS_MAX:
        raise bad_field("tag", f"At most {TAGS_MAX}.")
    for text in asked:
        text_of({"tag": text}, "tag", WORD_LENGTH_MAX)
    return tags_of(tuple(asked))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/events",
        handler=list_events,
        name="list_events",
        who=(
            "Needs no token. Organisers see the drafts that they made, too, and with "
            "`organisation` those of an organisation of theirs."
        ),
        summary="List the events",
        tag="Events",
        access="anyone",
        scope="events:read",
        answers=Page[EventSummary],
        cached=True,
        query=(*EVENT_FILTERS, *PAGING),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    listing(
        EventSummary,
        path=f"{ONE}/events",
        handler=list_organisation_events,
        name="list_organisation_events",
        summary="List an organisation's events, drafts included",
        access="member",
        scope="events:read",
    ),
    listing(
        EventSummary,
        path="/v1/me/events",
        handler=list_my_events,
        name="list_my_events",
        summary="List what the caller runs, drafts included; what is over latest first",
        access="customer",
        query=(UPCOMING,),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
)
