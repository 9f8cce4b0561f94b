"""Promotions and codes of an event over REST."""

from typing import Final

from aiohttp import web
from msgspec import UNSET

from server.shop.promotions.bodies import (
    CodeCheck,
    CodeDocument,
    CodesCreate,
    CodesDocument,
    PromotionCreate,
    PromotionDocument,
    PromotionPatch,
    PromotionsDocument,
    code_of,
    document_of,
)
from server.shop.promotions.problems import (
    CODE_TAKEN,
    CODE_USED_UP,
    PROMOTION_NOT_FOUND,
    PROMOTION_USED,
)
from server.shop.promotions.service import PROMOTION_SERVICE, NewCodes
from server.transport.http.problems import (
    CODE_INVALID,
    EVENT_NOT_FOUND,
    KEY_REUSED,
    LIMIT_REACHED,
    PRECONDITION_FAILED,
)
from server.transport.rest.call import Call
from server.transport.rest.guard import meter_of
from server.transport.rest.idempotency import hash_request
from server.transport.rest.notes import note_nothing
from server.transport.rest.route import EVENT, WRITES, Route

STORED: Final = {"limit": "uses_max"}
"""Fields that are stored under another name."""


async def list_promotions(call: Call) -> web.Response:
    """List the promotions of an event."""
    event = call.path("event", EVENT_NOT_FOUND)
    service = call[PROMOTION_SERVICE]
    managed = await service.managed(call.who, event)
    found = await service.of_event(managed)
    return call.read(PromotionsDocument([document_of(one) for one in found]))


async def create_promotion(call: Call) -> web.Response:
    """Make a promotion; it has no codes yet."""
    key, event = call.key, call.path("event", EVENT_NOT_FOUND)
    service = call[PROMOTION_SERVICE]
    managed = await service.managed(call.who, event)
    body = await call.body(PromotionCreate)
    made = await service.create(managed, body.rules, key, hash_request(body))
    place = f"/v1/events/{event}/promotions/{made.promotion_id}"
    return call.answer(document_of(made), status=201, headers={"Location": place})


async def show_promotion(call: Call) -> web.Response:
    """Show a promotion, and how often it was redeemed."""
    event = call.path("event", EVENT_NOT_FOUND)
    name = call.path("promotion", PROMOTION_NOT_FOUND)
    service = call[PROMOTION_SERVICE]
    found = await service.find(await service.managed(call.who, event), name)
    return call.read(document_of(found), revision=found.revision)


async def edit_promotion(call: Call) -> web.Response:
    """Change a promotion; orders that have it keep what they were told."""
    event = call.path("event", EVENT_NOT_FOUND)
    name = call.path("promotion", PROMOTION_NOT_FOUND)
    service = call[PROMOTION_SERVICE]
    managed = await service.managed(call.who, event)
    body = await call.body(PromotionPatch)
    fields = ((field, getattr(body, field)) for field in body.__struct_fields__)
    given = {
        STORED.get(field, field): value for field, value in fields if value is not UNSET
    }
    edited = await service.edit(managed, name, given, call.seen)
    return call.answer(document_of(edited), revision=edited.revision)


async def delete_promotion(call: Call) -> web.Response:
    """Delete a promotion that no order was made with, and its codes."""
    event = call.path("event", EVENT_NOT_FOUND)
    name = call.path("promotion", PROMOTION_NOT_FOUND)
    service = call[PROMOTION_SERVICE]
    managed = await service.managed(call.who, event)
    await service.delete(managed, name, call.seen)
    return call.done()


async def add_codes(call: Call) -> web.Response:
    """Add codes to a promotion; they are shown this once."""
    key, event = call.key, call.path("event", EVENT_NOT_FOUND)
    name = call.path("promotion", PROMOTION_NOT_FOUND)
    service = call[PROMOTION_SERVICE]
    managed = await service.managed(call.who, event)
    body = await call.body(CodesCreate)
    once = None if body.code is not None else 1
    wanted = NewCodes(
        code=body.code,
        count=body.count or 1,
        uses_max=body.uses if isinstance(body.uses, int | None) else once,
        label=body.label,
    )
    added = await service.add_codes(managed, name, wanted, key)
    document = CodesDocument(
        name, [code for code, _ in added], [one for _, one in added]
    )
    return call.answer(document, status=201)


async def check_code(call: Call) -> web.Response:
    """Tell what a code would take off; nothing is reserved."""
    note_nothing(call.request)
    event = call.path("event", EVENT_NOT_FOUND)
    service = call[PROMOTION_SERVICE]
    await service.refuse_unseen(call.who, event)
    body = await call.body(CodeCheck)
    found = await service.check(event, body.code, meter_of(call))
    return call.answer(code_of(found))


ALL: Final = "/v1/events/{event}/promotions"
ONE: Final = f"{ALL}/{{promotion}}"

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path=ALL,
        handler=list_promotions,
        name="list_promotions",
        summary="List the promotions of an event, the oldest first",
        tag="Promotions",
        access="manager",
        scope="events:write",
        answers=PromotionsDocument,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="POST",
        path=ALL,
        handler=create_promotion,
        name="create_promotion",
        summary="Make a promotion",
        tag="Promotions",
        access="manager",
        scope="events:write",
        body=PromotionCreate,
        answers=PromotionDocument,
        status=201,
        keyed=True,
        problems=(*WRITES, *EVENT, KEY_REUSED, LIMIT_REACHED),
    ),
    Route(
        method="GET",
        path=ONE,
        handler=show_promotion,
        name="show_promotion",
        summary="Show a promotion, and how often it was redeemed",
        tag="Promotions",
        access="manager",
        scope="events:write",
        answers=PromotionDocument,
        cached=True,
        problems=(*EVENT, PROMOTION_NOT_FOUND),
    ),
    Route(
        method="PATCH",
        path=ONE,
        handler=edit_promotion,
        name="edit_promotion",
        summary="Change a promotion; orders that have it keep it as it was",
        tag="Promotions",
        access="manager",
        scope="events:write",
        body=PromotionPatch,
        answers=PromotionDocument,
        keyed=True,
        problems=(*WRITES, *EVENT, PROMOTION_NOT_FOUND, PRECONDITION_FAILED),
    ),
    Route(
        method="DELETE",
        path=ONE,
        handler=delete_promotion,
        name="delete_promotion",
        summary="Delete a promotion that no order was made with",
        tag="Promotions",
        access="manager",
        scope="events:write",
        status=204,
        keyed=True,
        problems=(*EVENT, PROMOTION_NOT_FOUND, PROMOTION_USED, PRECONDITION_FAILED),
    ),
    Route(
        method="POST",
        path=f"{ONE}/codes",
        handler=add_codes,
        name="add_promotion_codes",
        summary="Add codes to a promotion, which are shown this once",
        tag="Promotions",
        access="manager",
        scope="events:write",
        body=CodesCreate,
        answers=CodesDocument,
        status=201,
        keyed=True,
        problems=(
            *WRITES,
            *EVENT,
            PROMOTION_NOT_FOUND,
            KEY_REUSED,
            CODE_TAKEN,
            LIMIT_REACHED,
        ),
    ),
    Route(
        method="POST",
        path="/v1/events/{event}/codes/check",
        handler=check_code,
        name="check_code",
        summary="Tell what a code would take off",
        tag="Promotions",
        access="buyer",
        budget="commands",
        body=CodeCheck,
        answers=CodeDocument,
        keyed=True,
        problems=(*WRITES, EVENT_NOT_FOUND, CODE_INVALID, CODE_USED_UP),
    ),
)
