"""The one table of routes: what is served, to whom, what goes in and what comes out.

`register` puts it into the application, and `server.ops.api.openapi` describes it: a
route that is not here is neither.
"""

from typing import Any, Final

import orjson
from aiohttp import web

from inventory.commands import ClientCommand
from inventory.replies import BookOk, ExtendOk, HoldingOk, HoldOk, TakenOk
from server.events.analytics.routes import ANALYTICS_ROUTES
from server.events.attendees.routes import ATTENDEE_ROUTES
from server.events.audit import rest as audit
from server.events.audit.receipts import PublicKey
from server.events.bookings.routes import BOOKING_ROUTES
from server.events.catalogue import rest as events
from server.events.catalogue import rest_list as event_list
from server.events.catalogue.bodies import (
    EventCreate,
    EventDocument,
    EventPatch,
    EventSummary,
    NewEvent,
)
from server.events.catalogue.routes import CATALOGUE_ROUTES
from server.events.sales import rest as commands
from server.events.sales import rest_journal as journal
from server.events.sales import rest_seats as seats
from server.events.sales import rest_state as sale
from server.events.venues import rest as venues
from server.events.venues.map_cache import MapDocument
from server.live.cluster import rest as cluster
from server.live.websocket.frame_table import FRAME_TABLE
from server.ops.api import asyncapi, docs, openapi
from server.ops.health import rest as operational
from server.ops.health.rest_caches import CACHE_ROUTES
from server.people.accounts.admin_routes import ADMIN_ROUTES
from server.people.accounts.routes import PEOPLE_ROUTES
from server.people.organisations.routes import ORGANISATION_ROUTES
from server.transport.rest.guard import CallHandler, guarded
from server.transport.rest.paging import Page
from server.transport.rest.route import EVENT, PAGING, WRITES, Query, Route

COMMAND_REPLIES: Final = (HoldOk, ExtendOk, TakenOk, BookOk, HoldingOk)

COMMANDS: Final = (
    *WRITES,
    "unknown_op",
    "forbidden",
    "payment_required",
    "event_not_found",
    "seat_not_free",
    "hold_expired",
    "key_reused",
    "overloaded",
)

AFTER: Final = Query(
    "after", {"type": "integer", "minimum": 0, "default": 0}, "Only later versions."
)


def _operational(path: str, name: str, handler: CallHandler, **more: Any) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        name=name,
        tag="Operation",
        access="operational",
        **more,
    )


def _step(step: sale.Step, summary: str) -> Route:
    return Route(
        method="POST",
        path=f"/v1/events/{{event}}/{step}",
        handler=sale.sale_step(step),
        name=f"{step}_event",
        summary=summary,
        tag="Events",
        access="manager",
        scope="events:write",
        answers=EventDocument,
        keyed=True,
        problems=(*EVENT, "wrong_state", "key_reused", "overloaded"),
    )


OPERATION_ROUTES: Final = (
    _operational(
        "/livez",
        "show_alive",
        operational.show_alive,
        summary="Whether the process answers",
        answers=operational.Status,
    ),
    _operational(
        "/readyz",
        "show_ready",
        operational.show_ready,
        summary="Whether clients may be sent here (503 where not)",
        answers=operational.Status,
    ),
    _operational(
        "/health",
        "show_health",
        operational.show_health,
        summary="How the server and its parts are",
        answers=operational.Health,
    ),
    _operational(
        "/metrics",
        "show_metrics",
        operational.show_metrics,
        summary="Metrics for Prometheus",
        media_type="text/plain",
    ),
    _operational(
        "/openapi.json",
        "show_openapi",
        docs.show_openapi,
        summary="This description",
        answers=dict[str, Any],
        cached=True,
    ),
    _operational(
        "/asyncapi.json",
        "show_asyncapi",
        docs.show_asyncapi,
        summary="The websocket's description (AsyncAPI 3)",
        answers=dict[str, Any],
        cached=True,
    ),
    _operational(
        "/docs",
        "show_docs",
        docs.show_docs,
        summary="This description as a page",
        media_type="text/html",
        cached=True,
    ),
    _operational(
        "/docs/try",
        "show_try",
        docs.show_try,
        summary="This description as a page that sends what one asks it to",
        media_type="text/html",
        cached=True,
    ),
    _operational(
        "/docs/{asset}",
        "show_docs_asset",
        docs.show_asset,
        summary="What the page needs",
        media_type="text/javascript",
        cached=True,
        problems=("not_found",),
    ),
)

VENUE_ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/venues",
        handler=venues.create_venue,
        name="create_venue",
        summary="Make a venue from a map or a seats.io chart",
        tag="Venues",
        # For an organisation by who leads it, which the handler asks.
        access="customer",
        body=venues.VenueCreate,
        answers=venues.VenueDocument,
        status=201,
        keyed=True,
        problems=(*WRITES, "key_reused", "limit_reached"),
    ),
    Route(
        method="GET",
        path="/v1/venues",
        handler=venues.list_venues,
        name="list_venues",
        summary="List the venues",
        tag="Venues",
        access="anyone",
        scope="events:read",
        answers=Page[venues.VenueDocument],
        cached=True,
        query=PAGING,
        problems=("bad_field", "unavailable"),
    ),
    Route(
        method="GET",
        path="/v1/venues/{venue}",
        handler=venues.show_venue,
        name="show_venue",
        summary="Show a venue",
        tag="Venues",
        access="anyone",
        scope="events:read",
        answers=venues.VenueDocument,
        cached=True,
        problems=("venue_not_found", "unavailable"),
    ),
)

CLUSTER_ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/cluster",
        handler=cluster.show_cluster,
        name="show_cluster",
        summary="Show the processes that serve, and what each owns",
        tag="Operation",
        access="admin",
        answers=cluster.ClusterDocument,
        cached=True,
        problems=("unavailable",),
    ),
    Route(
        method="POST",
        path="/v1/cluster/move",
        handler=cluster.move_event,
        name="move_event",
        summary="Give an event to another process while it sells",
        tag="Operation",
        access="admin",
        body=cluster.Move,
        answers=cluster.Move,
        status=202,
        # A move to where the event is already is none.
        keyed=True,
        problems=(*WRITES, "event_not_found", "process_not_found"),
    ),
)

EVENT_ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/events",
        handler=events.create_event,
        name="create_event",
        summary="Make an event",
        tag="Events",
        access="customer",
        scope="events:write",
        body=EventCreate,
        answers=NewEvent,
        status=201,
        keyed=True,
        problems=(*WRITES, "key_reused", "limit_reached", "venue_taken"),
    ),
    Route(
        method="GET",
        path="/v1/events",
        handler=event_list.list_events,
        name="list_events",
        summary="List the events",
        tag="Events",
        access="anyone",
        scope="events:read",
        answers=Page[EventSummary],
        cached=True,
        query=(*event_list.EVENT_FILTERS, *PAGING),
        problems=("bad_field", "unavailable"),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}",
        handler=events.show_event,
        name="show_event",
        budget="cheap",
        summary="Show an event and what is left of it",
        tag="Events",
        access="anyone",
        scope="events:read",
        answers=EventDocument,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="PATCH",
        path="/v1/events/{event}",
        handler=events.edit_event,
        name="edit_event",
        summary="Change an event's settings",
        tag="Events",
        access="manager",
        scope="events:write",
        body=EventPatch,
        answers=EventDocument,
        keyed=True,
        problems=(
            *WRITES,
            *EVENT,
            "wrong_state",
            "venue_taken",
            "key_reused",
            "overloaded",
        ),
    ),
    Route(
        method="DELETE",
        path="/v1/events/{event}",
        handler=events.delete_event,
        name="delete_event",
        summary="Withdraw an event that nobody has booked",
        tag="Events",
        access="manager",
        scope="events:write",
        status=204,
        keyed=True,
        problems=(*EVENT, "tickets_sold", "key_reused", "overloaded"),
    ),
    _step("publish", "Open the sale, now or at `on_sale_at`"),
    _step("pause", "Pause the sale; live holds can still be booked"),
    _step("resume", "Go on with a paused sale"),
    _step("close", "End the sale; live holds can still be booked"),
    _step("cancel", "Cancel the event"),
    Route(
        method="GET",
        path="/v1/events/{event}/map",
        handler=seats.show_map,
        name="show_map",
        budget="cheap",
        summary="Show an event's map, which never changes",
        tag="Seats",
        access="anyone",
        scope="events:read",
        answers=MapDocument,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/availability",
        handler=seats.show_availability,
        name="show_availability",
        budget="cheap",
        summary="Show who has what: one letter per seat index",
        tag="Seats",
        access="anyone",
        scope="events:read",
        answers=seats.Availability,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="POST",
        path="/v1/events/{event}/commands",
        handler=commands.run_command,
        name="run_command",
        budget="commands",
        summary="Hold, book, release …: one command, one reply",
        tag="Seats",
        access="buyer",
        scope="events:write",
        body=ClientCommand,
        answers=COMMAND_REPLIES,
        keyed=True,
        problems=COMMANDS,
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/journal",
        handler=journal.show_journal,
        name="show_journal",
        summary="Show an event's committed changes in order",
        tag="Events",
        access="manager",
        scope="events:read",
        answers=Page[journal.JournalEntry],
        cached=True,
        query=(AFTER, *PAGING),
        problems=("bad_field", *EVENT),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/audit",
        handler=audit.show_audit,
        name="show_audit",
        summary="Replay the journal, compare with the tables, sign the receipt",
        tag="Events",
        access="manager",
        scope="events:read",
        answers=dict[str, Any],
        problems=(*EVENT, "overloaded"),
    ),
    Route(
        method="GET",
        path="/v1/receipt-key",
        handler=audit.show_receipt_key,
        name="show_receipt_key",
        summary="Show the public key that the receipts of audits are signed with",
        tag="Events",
        access="anyone",
        scope="events:read",
        answers=PublicKey,
        cached=True,
    ),
)

ROUTES: Final[tuple[Route, ...]] = (
    *OPERATION_ROUTES,
    *PEOPLE_ROUTES,
    *ADMIN_ROUTES,
    *VENUE_ROUTES,
    *CLUSTER_ROUTES,
    *CACHE_ROUTES,
    *EVENT_ROUTES,
    *CATALOGUE_ROUTES,
    *BOOKING_ROUTES,
    *ATTENDEE_ROUTES,
    *ANALYTICS_ROUTES,
    *ORGANISATION_ROUTES,
)


def register(app: web.Application) -> None:
    """Add every route of the table to the application, and what describes them.

    The application has its table of frames already.
    """
    app[docs.DOCUMENTS] = docs.Documents(
        openapi=orjson.dumps(openapi.build(ROUTES)),
        asyncapi=orjson.dumps(asyncapi.build(app[FRAME_TABLE].rows)),
    )
    for route in ROUTES:
        handler = guarded(
            route.access, route.handler, route.scope, route.budget, route.keyed
        )
        if route.method == "GET":
            app.router.add_get(route.path, handler)
        else:
            app.router.add_route(route.method, route.path, handler)
