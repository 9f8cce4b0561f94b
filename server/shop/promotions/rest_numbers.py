"""What promotions and their codes brought over REST."""

from functools import partial
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from inventory.settings import Sum
from persistence.shop.promotions.numbers import Numbers, sums_of
from server.shop.promotions.codes import id_of
from server.shop.promotions.problems import PROMOTION_NOT_FOUND
from server.shop.promotions.service_numbers import NUMBERS_SERVICE
from server.transport.http.problems import BAD_FIELD, EVENT_NOT_FOUND
from server.transport.rest.call import Call
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import EVENT, PAGING, Route


class NumbersDocument(Struct, kw_only=True):
    """What orders that were confirmed with it came to.

    `gross` is what they cost their buyers, `discount` what had been taken off,
    `returned` what of `gross` has gone back, `net` the rest. An order with several
    promotions counts with each; what each took off is told apart.
    """

    reserved: int
    """Orders that have it and are not confirmed yet."""
    uses: int
    given_back: int
    """How many of `uses` gave all back: it may be redeemed once more for each."""
    gross: list[Sum]
    discount: list[Sum]
    returned: list[Sum]
    net: list[Sum]


class PromotionNumbersDocument(NumbersDocument, kw_only=True):
    """The numbers of a promotion."""

    promotion: str
    name: str


class EventPromotions(Struct):
    """The numbers of all promotions of an event, the oldest first."""

    event: str
    items: list[PromotionNumbersDocument]


class CodeNumbersDocument(NumbersDocument, kw_only=True):
    """The numbers of a code, which nobody can read: its id was told when it was made.

    `limit` is how many orders may be made with it.
    """

    code: str
    label: str | None
    limit: int | None


async def show_promotion_numbers(call: Call) -> web.Response:
    """Show what the promotions of an event brought."""
    event = call.path("event", EVENT_NOT_FOUND)
    found = await call[NUMBERS_SERVICE].of_event(call.who, event)
    items = [
        PromotionNumbersDocument(
            promotion=one.promotion, name=one.name, **_fields(one.numbers, one.taken)
        )
        for one in found
    ]
    return call.read(EventPromotions(event, items))


async def list_code_numbers(call: Call) -> web.Response:
    """List what the codes of a promotion brought."""
    event, query = call.path("event", EVENT_NOT_FOUND), call.request.query
    name = call.path("promotion", PROMOTION_NOT_FOUND)
    service = call[NUMBERS_SERVICE]
    rows, cursor = await service.of_promotion(
        call.who, event, name, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(service.count_codes, call.who, event, name))
    items = [
        CodeNumbersDocument(
            code=id_of(one.hash),
            label=one.label,
            limit=one.uses_max,
            **_fields(one.numbers, one.taken),
        )
        for one in rows
    ]
    return call.read(Page(items, cursor, total))


def _fields(numbers: Numbers, taken: int) -> dict[str, Any]:
    return {
        "reserved": numbers.left(taken),
        "uses": numbers.uses,
        "given_back": numbers.given_back,
        "gross": sums_of(numbers.gross),
        "discount": sums_of(numbers.discount),
        "returned": sums_of(numbers.returned),
        "net": sums_of(numbers.net),
    }


ALL: Final = "/v1/events/{event}/analytics/promotions"

NUMBER_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path=ALL,
        handler=show_promotion_numbers,
        name="show_promotion_numbers",
        summary="Show what the promotions of an event brought",
        tag="Analytics",
        access="manager",
        scope="analytics:read",
        answers=EventPromotions,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="GET",
        path=f"{ALL}/{{promotion}}",
        handler=list_code_numbers,
        name="list_code_numbers",
        summary="List what the codes of a promotion brought, the oldest code first",
        tag="Analytics",
        access="manager",
        scope="analytics:read",
        answers=Page[CodeNumbersDocument],
        cached=True,
        query=PAGING,
        problems=(BAD_FIELD, *EVENT, PROMOTION_NOT_FOUND),
    ),
)
