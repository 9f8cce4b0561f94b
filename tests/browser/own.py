"""Somebody's own pages: being a buyer in a browser, and reading its screen."""

import json
import time
from io import BytesIO

import zxingcpp
from PIL import Image
from playwright.async_api import Page

from tests.browser.steps import QR
from tests.contract.client import Person

WEEK_MS = 7 * 86_400_000


async def become(page: Page, who: Person) -> None:
    """Have a page's browser be a guest who bought something, from now on."""
    until = round(time.time() * 1_000) + WEEK_MS
    kept = json.dumps({"token": who.token, "until": until, "lasts": until})
    script = f"localStorage.setItem('onsale.visitor', {json.dumps(kept)})"
    await page.goto("/account")
    await page.evaluate(script)


async def codes_in_sight(page: Page) -> list[str]:
    """Return what the QR codes hold that are on the screen just now, wherever."""
    picture = Image.open(BytesIO(await page.screenshot()))
    found = zxingcpp.read_barcodes(picture, formats=QR)
    return sorted(one.text for one in found)
