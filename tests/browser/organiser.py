"""What an organiser does before anything is sold, one step each."""

import json
from typing import Any

from playwright.async_api import FilePayload, Page, expect

from tests.contract.client import Api, Json
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD


async def sign_in(
    page: Page, email: str = ADMIN_EMAIL, password: str = ADMIN_PASSWORD
) -> None:
    """Sign in where a page asks for it."""
    await page.get_by_test_id("email").fill(email)
    await page.get_by_test_id("password").fill(password)
    await page.get_by_test_id("sign-in-submit").click()
    await expect(page.get_by_test_id("sign-in")).to_have_count(0)


async def open_signed_in(page: Page, path: str) -> None:
    """Open a page of organisers as the administrator."""
    await page.goto(path)
    await sign_in(page)


async def import_chart(page: Page, chart: Any) -> None:
    """Give a chart to the page that makes venues, as a file."""
    text = chart if isinstance(chart, str) else json.dumps(chart)
    file: FilePayload = {
        "name": "chart.json",
        "mimeType": "application/json",
        "buffer": text.encode(),
    }
    await page.get_by_test_id("chart-file").set_input_files(file)


async def venue_made(page: Page, name: str) -> str:
    """Name the venue of the editor and make it; return its id."""
    await page.get_by_test_id("venue-name").fill(name)
    await page.get_by_test_id("save-venue").click()
    await page.wait_for_url("**/organise/venues/ven_*")
    await expect(page.get_by_test_id("change-map")).to_be_visible()
    return page.url.rpartition("/")[2]


async def set_field(page: Page, block: int, name: str, value: str) -> None:
    """Type a number or a name into a block of the editor."""
    field = page.get_by_test_id("block").nth(block).locator(f'[data-field="{name}"]')
    await field.fill(value)
    await field.press("Tab")


async def map_of(api: Api, venue: str) -> Json:
    """Read the map of a venue."""
    found: Json = await api.good("GET", f"/v1/venues/{venue}/map")
    return found
