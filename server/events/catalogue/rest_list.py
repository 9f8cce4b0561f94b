"""The list of events: filtered, searched, sorted, in pages."""

from collections.abc import Iterable
from typing import Final, cast, get_args

from aiohttp import web
from msgspec import json

from inventory.limits import ID_LENGTH_MAX
from inventory.settings import SaleState
from persistence.events.rows import EventFilter, Sort
from server.base.access import drafts_of
from server.events.catalogue.bodies import EventSummary, tags_of
from server.events.catalogue.rest import summary_of
from server.live.actors.registry import CATALOG
from server.live.fanout.hub import HUB
from server.people.organisations.membership import belongs, require_membership
from server.people.organisations.rows import ONE, listing
from server.transport.http.problems import BAD_FIELD, UNAVAILABLE, bad_field
from server.transport.http.response_cache import CACHES
from server.transport.rest.call import Call
from server.transport.rest.paging import Page, read_limit
from server.transport.rest.query import choice_of, text_of, time_of
from server.transport.rest.route import PAGING, Query, Route
from server.transport.rest.times import maybe_to_ms

LIST_S_MAX: Final = 1.0
"""How old a buyer's list may be where its process did not hear of a change."""

QUERY_LENGTH_MAX: Final = 200
WORD_LENGTH_MAX: Final = 50
TAGS_MAX: Final = 20
SORTS: Final = get_args(Sort)

_WORD: Final = {"type": "string", "minLength": 1, "maxLength": WORD_LENGTH_MAX}
_ID: Final = {"type": "string", "minLength": 1, "maxLength": ID_LENGTH_MAX}

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
    Query(
        "sort",
        {"type": "string", "enum": list(SORTS), "default": "starts_at"},
        "What comes first; a minus turns the order round. `-registrations` begins with"
        " the most booked, as of a few seconds ago.",
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
    query = call.request.query
    rows, cursor = await call[CATALOG].list_events(
        await _wanted(call),
        limit=read_limit(query),
        sort=cast(Sort, choice_of(query, "sort", SORTS) or "starts_at"),
        cursor=query.get("cursor"),
    )
    page = Page([summary_of(row, row.settings) for row in rows], cursor)
    if call.organizer:
        return call.read(page)
    made = lists.put(name, json.encode(page), stamp=stamp)
    return call.read(made.body, made.etag)


async def list_organisation_events(call: Call) -> web.Response:
    """List an organisation's events, drafts included, in order of their beginning."""
    membership, query = await require_membership(call, "member"), call.request.query
    rows, cursor = await call[CATALOG].list_events(
        EventFilter(drafts=True, organisation=membership.id),
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    return call.read(Page([summary_of(row, row.settings) for row in rows], cursor))


async def _wanted(call: Call) -> EventFilter:
    """Return what the query asks for."""
    query = call.request.query
    organisation = text_of(query, "organisation", ID_LENGTH_MAX)
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
        and (organisation is None or await belongs(call, organisation)),
        made_by=None if call.identity is None else drafts_of(call.identity),
    )


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
)
