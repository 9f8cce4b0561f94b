"""Lines in front of sales, for tests of the pages."""

from typing import Any

from playwright.async_api import Locator, Page

from tests.browser.shop import Shop


async def lined(shop: Shop, chart: str | None = "small", **fields: Any) -> str:
    """Put an event on sale with a line in front of it, which is open; return its id.

    `line` says how it is, as `POST /v1/events` has it: one after the other, and as fast
    as it goes, where nothing else is told.
    """
    terms = {"mode": "fifo", "sell_out_s": 0, **fields.pop("line", {})}
    event = await shop.event(chart, line=terms, **fields)
    await shop.api.good("POST", f"/v1/events/{event}/line/open", who=shop.api.admin)
    return event


async def sold_out(shop: Shop, places: int = 2, **fields: Any) -> tuple[str, Any, str]:
    """Sell an event out; return its id, who has all of it, and the booking."""
    event = await shop.event(None, capacity=places, **fields)
    buyer = await shop.api.guest()
    held = await shop.api.ok(event, buyer, "hold", areas={"GA": places})
    booked = await shop.api.ok(event, buyer, "book", hold=held["hold"])
    return event, buyer, booked["booking"]


def line_of(page: Page) -> Locator:
    """Return the part of an event's page that is about its line."""
    return page.get_by_test_id("line")
