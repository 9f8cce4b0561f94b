"""The map by itself: its modules from the shop, and a venue that no event needs."""

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Page, Route

from inventory.venue.arena import arena
from inventory.venue.chart import read_chart
from inventory.venue.map import VenueMap
from server.events.venues.map_cache import encode_map
from tests import charts

WAIT_MS = 60_000
HERE = Path(__file__).parent
Venue = VenueMap | str | int
"""A map, the name of a chart of `tests.charts`, or how many seats an arena has."""


def map_of(venue: Venue) -> VenueMap:
    """Return the map that is meant."""
    if isinstance(venue, int):
        return arena(venue)
    return read_chart(charts.load(venue)) if isinstance(venue, str) else venue


async def put_up(page: Page, venue: Venue) -> Mapping[str, Any]:
    """Show a venue's map, list and legend with all places free; return the map."""
    document = (await encode_map(map_of(venue))).body
    served = {
        "/map-stand": ("text/html", (HERE / "map_stand.html").read_bytes()),
        "/map-stand.js": ("text/javascript", (HERE / "map_stand.js").read_bytes()),
        "/map-stand.json": ("application/json", document),
    }

    async def serve(route: Route) -> None:
        content_type, body = served["/" + route.request.url.rpartition("/")[2]]
        await route.fulfill(content_type=content_type, body=body)

    await page.route("**/map-stand*", serve)
    await page.emulate_media(reduced_motion="reduce")
    await page.goto("/map-stand")
    await page.wait_for_function("window.ready", timeout=WAIT_MS)
    return dict(msgspec.json.decode(document))


async def click_seat(page: Page, label: str, pitch: float = 30) -> None:
    """Click on a seat, which the map is moved to first."""
    place = await page.evaluate(f"stand.goTo({json.dumps(label)}, {pitch})")
    await page.mouse.click(place["x"], place["y"])


async def picked(page: Page) -> list[str]:
    """Return what was picked so far, on the map and in the list."""
    return list(await page.evaluate("stand.picked"))


async def script_times(page: Page) -> Callable[[], Awaitable[float]]:
    """Return a function that tells what CPU time scripts took since it was asked last.

    In ms, of the page's own thread: how busy the machine is makes no difference.
    """
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    last = 0.0

    async def since() -> float:
        nonlocal last
        answer = await session.send("Performance.getMetrics")
        metrics = {one["name"]: float(one["value"]) for one in answer["metrics"]}
        now = metrics["ScriptDuration"] * 1_000
        taken, last = now - last, now
        return taken

    return since
