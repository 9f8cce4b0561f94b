"""Lists of an event over REST, how they fill up, and what a gate takes along."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType, field

from inventory.faults import Faults
from inventory.zones import YEARS, is_kept
from persistence.shop.checkin.counts import GateCounts, ListCounts
from persistence.shop.checkin.facts import MAIN, Standing
from persistence.shop.checkin.lists import CheckinList, ListRules
from server.shop.checkin.problems import LIST_NOT_FOUND
from server.shop.checkin.rest import WHO
from server.shop.checkin.service import CHECKIN_SERVICE, Bundle
from server.shop.checkin.service_lists import LIST_SERVICE
from server.transport.http.problems import (
    BAD_FIELD,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    KEY_REUSED,
    LIMIT_REACHED,
    PRECONDITION_FAILED,
    bad_field,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Name
from server.transport.rest.idempotency import hash_request
from server.transport.rest.route import EVENT, WRITES, Query, Route
from server.transport.rest.times import Time, to_ms

CATEGORIES_MAX: Final = 100
TICKETS_MAX: Final = 5_000
"""Of one page of a bundle: some 500 KiB, of which a fifth goes over the line."""

CategoryKey = Annotated[str, Meta(min_length=1, max_length=200)]
Categories = Annotated[list[CategoryKey], Meta(max_length=CATEGORIES_MAX)]


class ListCreate(Body):
    """A new list: `categories` are whose tickets it takes, null is all of them.

    Nobody comes in before `opens_at`. With `reentry` who is scanned out may come in
    again; without it nobody is scanned out.
    """

    name: Name
    reentry: bool = False
    opens_at: Time | None = None
    categories: Categories | None = None

    def check(self, faults: Faults) -> None:
        """Add a time that has no date everywhere."""
        check_time(faults, self.opens_at)


class ListPatch(Body):
    """What to change; what is absent stays."""

    name: Name | UnsetType = UNSET
    reentry: bool | UnsetType = UNSET
    opens_at: Time | UnsetType | None = UNSET
    categories: Categories | UnsetType | None = UNSET

    def check(self, faults: Faults) -> None:
        """Add a time that has no date everywhere."""
        check_time(faults, self.opens_at)


class ListDocument(Struct):
    """A list of an event."""

    id: str
    event: str
    name: str
    reentry: bool
    opens_at: datetime | None
    categories: Sequence[str] | None
    created_at: datetime


class ListsDocument(Struct):
    """All lists of an event, the main one first."""

    items: list[ListDocument]


class GateDocument(Struct):
    """What one gate did for a list: entries, exits, and what people look into."""

    gate: str
    come: int = field(name="in")
    out: int
    double: int
    revoked: int
    per_min: int


class CountsOfList(Struct):
    """Who is in now, who went out, and what each gate did.

    `double` are entries with a ticket whose holder was in, `revoked` those with one
    that was good no longer; `per_min` are entries of the last 60 seconds.
    """

    list: str
    come: int = field(name="in")
    out: int
    double: int
    revoked: int
    per_min: int
    gates: Sequence[GateDocument]


class CountsDocument(Struct):
    """How the lists of an event fill up."""

    event: str
    lists: list[CountsOfList]


class BundleKey(Struct):
    """A key that tickets are signed with: Ed25519, base64url without padding."""

    key: str
    public_key: str


class BundleTicket(Struct):
    """A ticket as a gate knows it.

    Green is a code with a good signature of this event whose number is `valid` or
    `offered` and `listed` here with the same generation, and `never` in, or `out` where
    the list has re-entry; and one whose number is not here: it was sold since.
    """

    number: str
    generation: int
    status: str
    label: str
    standing: Standing
    listed: bool


class BundleDocument(Struct):
    """What a gate takes along; `Date` in the answer tells how far its clock is off."""

    event: str
    event_mark: str
    """What stands for the event in codes."""
    name: str
    list: ListDocument
    keys: Sequence[BundleKey]
    tickets: Sequence[BundleTicket]
    next_cursor: str | None


def check_time(faults: Faults, time: object) -> None:
    """Add a time that cannot be stored; anything else was not given."""
    if isinstance(time, datetime) and not is_kept(to_ms(time)):
        faults.add("opens_at", YEARS)


async def list_checkin_lists(call: Call) -> web.Response:
    """List the lists of an event."""
    event = call.path("event", EVENT_NOT_FOUND)
    found = await call[LIST_SERVICE].of_event(call.who, event)
    return call.read(ListsDocument([document_of(one) for one in found]))


async def create_checkin_list(call: Call) -> web.Response:
    """Make a list."""
    key, event = call.key, call.path("event", EVENT_NOT_FOUND)
    managed = await call[LIST_SERVICE].find_managed(call.who, event)
    body = await call.body(ListCreate)
    rules = ListRules(body.name, body.reentry, body.opens_at, body.categories)
    made = await call[LIST_SERVICE].create(managed, rules, key, hash_request(body))
    place = f"/v1/events/{event}/checkin/lists/{made.list_id}"
    return call.answer(document_of(made), status=201, headers={"Location": place})


async def show_checkin_list(call: Call) -> web.Response:
    """Show a list."""
    event = call.path("event", EVENT_NOT_FOUND)
    name = call.path("list", LIST_NOT_FOUND)
    await call[CHECKIN_SERVICE].find_event(call.who, event)
    found = await call[CHECKIN_SERVICE].find_list(event, name)
    return call.read(document_of(found), revision=found.revision)


async def edit_checkin_list(call: Call) -> web.Response:
    """Change a list."""
    event = call.path("event", EVENT_NOT_FOUND)
    name = call.path("list", LIST_NOT_FOUND)
    managed = await call[LIST_SERVICE].find_managed(call.who, event)
    body = await call.body(ListPatch)
    rules = ((field, getattr(body, field)) for field in ListRules.__struct_fields__)
    given = {field: value for field, value in rules if value is not UNSET}
    edited = await call[LIST_SERVICE].edit(managed, name, given, call.seen)
    return call.answer(document_of(edited), revision=edited.revision)


async def show_checkin_counts(call: Call) -> web.Response:
    """Show how the lists of an event fill up."""
    event = call.path("event", EVENT_NOT_FOUND)
    lists, gates = await call[LIST_SERVICE].counts(call.who, event)
    return call.read(CountsDocument(event, [_counted(one, gates) for one in lists]))


async def show_checkin_bundle(call: Call) -> web.Response:
    """Show what a gate takes along."""
    event, query = call.path("event", EVENT_NOT_FOUND), call.request.query
    limit = query.get("limit", str(TICKETS_MAX))
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= TICKETS_MAX:
        raise bad_field("limit", f"A number from 1 to {TICKETS_MAX}.")
    bundle = await call[CHECKIN_SERVICE].bundle(
        call.who, event, query.get("list", MAIN), query.get("cursor", ""), int(limit)
    )
    return call.read(_bundled(bundle))


def document_of(row: CheckinList) -> ListDocument:
    """Return a list as clients see it."""
    return ListDocument(
        id=row.list_id,
        event=row.event_id,
        name=row.name,
        reentry=row.reentry,
        opens_at=row.opens_at,
        categories=row.categories,
        created_at=row.created_at,
    )


def _counted(one: ListCounts, gates: Sequence[GateCounts]) -> CountsOfList:
    return CountsOfList(
        list=one.list_id,
        come=one.come,
        out=one.gone,
        double=one.double,
        revoked=one.revoked,
        per_min=one.per_min,
        gates=[
            GateDocument(
                gate=gate.gate,
                come=gate.entries,
                out=gate.exits,
                double=gate.double,
                revoked=gate.revoked,
                per_min=gate.per_min,
            )
            for gate in gates
            if gate.list_id == one.list_id
        ],
    )


def _bundled(bundle: Bundle) -> BundleDocument:
    return BundleDocument(
        event=bundle.event.event,
        event_mark=bundle.mark,
        name=bundle.event.settings.name,
        list=document_of(bundle.list),
        keys=[
            BundleKey(
                key,
                base64.urlsafe_b64encode(public.public_bytes_raw())
                .rstrip(b"=")
                .decode("ascii"),
            )
            for key, public in sorted(bundle.keys.items())
        ],
        tickets=[
            BundleTicket(
                number=one.number,
                generation=one.generation,
                status=one.state,
                label=one.label,
                standing=one.standing,
                listed=one.listed,
            )
            for one in bundle.tickets
        ],
        next_cursor=None if bundle.is_last else bundle.tickets[-1].number,
    )


LISTS: Final = "/v1/events/{event}/checkin/lists"

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path=LISTS,
        handler=list_checkin_lists,
        name="list_checkin_lists",
        summary="List the check-in lists of an event, the main one first",
        tag="Check-in",
        access="manager",
        who=WHO,
        scope="checkin",
        answers=ListsDocument,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="POST",
        path=LISTS,
        handler=create_checkin_list,
        name="create_checkin_list",
        summary="Make a check-in list",
        tag="Check-in",
        access="manager",
        scope="events:write",
        body=ListCreate,
        answers=ListDocument,
        status=201,
        keyed=True,
        problems=(*WRITES, *EVENT, KEY_REUSED, LIMIT_REACHED),
    ),
    Route(
        method="GET",
        path=f"{LISTS}/{{list}}",
        handler=show_checkin_list,
        name="show_checkin_list",
        summary="Show a check-in list",
        tag="Check-in",
        access="manager",
        who=WHO,
        scope="checkin",
        answers=ListDocument,
        cached=True,
        problems=(*EVENT, LIST_NOT_FOUND),
    ),
    Route(
        method="PATCH",
        path=f"{LISTS}/{{list}}",
        handler=edit_checkin_list,
        name="edit_checkin_list",
        summary="Change a check-in list; what was scanned before stays",
        tag="Check-in",
        access="manager",
        scope="events:write",
        body=ListPatch,
        answers=ListDocument,
        keyed=True,
        problems=(*WRITES, *EVENT, LIST_NOT_FOUND, PRECONDITION_FAILED),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/checkin/counts",
        handler=show_checkin_counts,
        name="show_checkin_counts",
        summary="Show who is in, by list and gate",
        tag="Check-in",
        access="manager",
        who=WHO,
        scope="checkin",
        answers=CountsDocument,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/checkin/bundle",
        handler=show_checkin_bundle,
        name="show_checkin_bundle",
        summary="Take along what a gate needs without a connection",
        tag="Check-in",
        access="manager",
        who=WHO,
        scope="checkin",
        answers=BundleDocument,
        cached=True,
        query=(
            Query(
                "list",
                {"type": "string", "default": MAIN},
                "For which list.",
            ),
            Query(
                "limit",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": TICKETS_MAX,
                    "default": TICKETS_MAX,
                },
                "How many tickets a page has at most.",
            ),
            Query(
                "cursor", {"type": "string"}, "The `next_cursor` of the page before."
            ),
        ),
        problems=(BAD_FIELD, FORBIDDEN, *EVENT, LIST_NOT_FOUND),
    ),
)
