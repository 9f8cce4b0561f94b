"""A running shop and a real browser, one of each for all tests of this folder.

Tests are `async def` with Playwright's async interface; each gets a `page` of a context
of its own, and whatever was red in its console, was refused by the policy of the page,
or was answered with 400 and more fails it at its end, but for what it forgave:

    async def test_a_page(shop, page, trouble):
        event = await shop.event(paid=True)
        await page.goto(f"/events/{event}")
        await expect(page.get_by_test_id("seat-map")).to_be_visible()

Two people at once: `other = await open_page(viewport=PHONE)`. Without a Chromium all of
them are skipped, for one reason.
"""

import asyncio
import inspect
import shutil
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.chromium import MISSING, arguments, find_chromium
from tests.browser.shop import Shop
from tests.browser.stage import Stage, set_stage
from tests.browser.trouble import Trouble
from tests.contract.process import Server
from tests.database import drop_database, make_database
from tests.post_office import PostOffice
from tests.scratch import make_folder

LOG_TAIL = 8_000
WAIT_MS = 30_000
DESK = {"width": 1280, "height": 800}
FIGURE = "figure"
IN_THE_SUITE = frozenset(
    {"test_box_office.py", "test_organiser.py", "test_purchase.py"}
)
"""The other files are tried by `dev.py pages`."""
PHONE = {"width": 390, "height": 844}
"""How many CSS pixels there are: `await page.set_viewport_size(PHONE)`."""

OpenPage = Callable[..., Awaitable[Page]]


def pytest_asyncio_loop_factories() -> Mapping[
    str, Callable[[], asyncio.AbstractEventLoop]
]:
    """Run each test once: the loop of the client proves nothing of a page."""
    return {"asyncio": asyncio.new_event_loop}


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(name: str, obj: Any) -> None:
    """Have all tests on one loop: a browser belongs to that which it was started on."""
    if name.startswith("test_") and inspect.iscoroutinefunction(obj):
        pytest.mark.asyncio(loop_scope="session")(obj)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what looks through the browser; one way through the pages is not long."""
    if "browser" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.browser)
        if item.path.name not in IN_THE_SUITE:
            item.add_marker(pytest.mark.campaign)


@asynccontextmanager
async def shop_at(
    server_url: str, template: str, **settings: str
) -> AsyncIterator[Shop]:
    """Run a shop with a database of its own for a block."""
    url = await asyncio.to_thread(make_database, server_url, template)
    folder = make_folder("browser")
    try:
        async with Shop(url, folder, **settings) as shop:
            yield shop
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        await asyncio.to_thread(drop_database, server_url, url)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(server_url: str, database_template: str) -> AsyncIterator[Shop]:
    """A shop that sells; who kills it has it running again at the end."""
    async with shop_at(server_url, database_template) as shop:
        yield shop


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    """Where mails arrive."""
    office = PostOffice().open()
    yield office
    office.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mailing_shop(
    server_url: str, database_template: str, office: PostOffice
) -> AsyncIterator[Shop]:
    """A shop that sends mails, whose links lead to it."""
    settings = {
        "ONSALE_SMTP_URL": office.url,
        "ONSALE_MAIL_FROM": "Tickets <tickets@example.org>",
    }
    async with shop_at(server_url, database_template, **settings) as shop:
        # Where it is it knows once it was there.
        shop.server.extra["ONSALE_PUBLIC_URL"] = shop.url
        await shop.restart()
        yield shop


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(server_url: str, database_template: str) -> AsyncIterator[Stage]:
    """Another shop, with events to be photographed and nothing else."""
    async with shop_at(server_url, database_template) as shop:
        yield await set_stage(shop)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The one Chromium of this process."""
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-testid")
        expect.set_options(timeout=WAIT_MS)
        browser = await playwright.chromium.launch(
            executable_path=path, args=arguments()
        )
        yield browser
        await browser.close()


@pytest.fixture
def trouble() -> Trouble:
    """What went wrong in this test's pages; `trouble.forgive(pattern)` lets it pass."""
    return Trouble()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(
    browser: Browser, shop: Shop, trouble: Trouble
) -> AsyncIterator[OpenPage]:
    """A function that opens a page as somebody else: a context of its own.

    Takes what `browser.new_context` does.
    """
    contexts: list[BrowserContext] = []

    async def open_one(**options: Any) -> Page:
        usual = {"base_url": shop.url, "viewport": DESK, "locale": "en-GB"}
        context = await browser.new_context(**(usual | options))
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        await trouble.watch(context)
        return await context.new_page()

    yield open_one
    for context in contexts:
        await context.close()
    left = trouble.left()
    assert not left, "\n".join(left)


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: OpenPage) -> Page:
    """A page that knows nobody yet, at a desk; addresses are the shop's."""
    return await open_page()


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """A function that writes down what was measured, for the end of the run."""

    def write(name: str, value: float, unit: str) -> None:
        record_property(FIGURE, f"{name}: {value:.4g} {unit}")

    return write


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    lines = [
        str(value)
        for kind in ("passed", "failed")
        for report in terminalreporter.getreports(kind)
        if report.when == "call"
        for name, value in report.user_properties
        if name == FIGURE
    ]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the server's log with what failed; name one place of skips.

    So a run without a Chromium says so in one line.
    """
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        *_, reason = report.longrepr
        if reason.endswith(MISSING):
            report.longrepr = ("tests/browser/conftest.py", 1, reason)
    shop = getattr(item, "funcargs", {}).get("shop")
    if report.failed and isinstance(shop, Shop) and isinstance(shop.server, Server):
        report.sections.append(("log of the shop", shop.server.log()[-LOG_TAIL:]))
    return report
