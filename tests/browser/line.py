"""Lines in front of sales, for tests of the pages."""

from typing import Any

from playwright.async_api import Locator, Page

from tests.browser.shop import Shop
from tests.contract.client import Person


async def lined(shop: Shop, chart: str | None = "small", **fields: Any) -> str:
    """Put an event on sale with a line in front of it, which is open; return its id.

    `line` says how it is, as `POST /v1/events` has it: one after the other, and as fast
    as it goes, where nothing else is told.
    """
    terms = {"mode": "fifo", "sell_out_s": 0, **fields.pop("line", {})}
    event = await shop.event(chart, line=terms, **fields)
    await shop.api.good("POST", f"/v1/events/{event}/line/open", who=shop.api.admin)
    return event


def line_of(page: Page) -> Locator:
    """Return the part of an event's page that is about its line."""
    return page.get_by_test_id("line")


async def held_by_another(
    shop: Shop, places: int = 2, **fields: Any
) -> tuple[str, Person, str]:
    """Make an event of which somebody else holds all; return it, them, the hold."""
    event = await shop.event(None, capacity=places, paid=True, **fields)
    other = await shop.api.guest()
    held = await shop.api.ok(event, other, "hold", areas={"GA": places})
    return event, other, held["hold"]
