"""Every page in each of its states, for photographs, for axe, and for the eye."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page

from tests.browser.stage import Stage

Walk = Callable[[Stage, Page], Awaitable[None]]


@dataclass(frozen=True)
class View:
    """What is to be seen at the end of a walk."""

    name: str
    walk: Walk


async def events(stage: Stage, page: Page) -> None:
    await page.goto("/")
    await page.get_by_test_id("event-card").first.wait_for()


async def event(stage: Stage, page: Page) -> None:
    await page.goto(f"/events/{stage.gala}")
    await page.get_by_role("heading", level=1).wait_for()


VIEWS = {walk.__name__.replace("_", "-"): walk for walk in (events, event)}
