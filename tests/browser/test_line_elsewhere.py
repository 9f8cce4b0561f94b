"""A place in a line away from its page: another device, and one's own page."""

import io

import zxingcpp
from PIL import Image
from playwright.async_api import expect

from tests.browser.line import held_by_another, lined
from tests.browser.steps import QR, holds


async def test_the_qr_opens_the_place_on_another_device(shop, page, open_page):
    event = await lined(shop, paid=True)
    await shop.api.good("POST", f"/v1/events/{event}/line/pause", who=shop.api.admin)
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("line-rank")).to_have_text("1")
    await page.get_by_test_id("line-device").click()
    code = page.get_by_test_id("place-qr")
    await code.scroll_into_view_if_needed()
    picture = Image.open(io.BytesIO(await code.screenshot(animations="disabled")))
    (read,) = zxingcpp.read_barcodes(picture, formats=QR)
    assert read.text.startswith(f"{shop.url}/events/{event}#place=")

    other = await open_page()
    await other.goto(read.text)
    await expect(other.get_by_test_id("line-rank")).to_have_text("1")
    # The secret does not stay where others see it.
    assert other.url == f"{shop.url}/events/{event}"
    await shop.api.good("POST", f"/v1/events/{event}/line/resume", who=shop.api.admin)
    for one in (page, other):
        await expect(one.get_by_test_id("line-turn")).to_be_visible()
    line = await shop.api.good("GET", f"/v1/events/{event}/line")
    assert line["counts"]["joined"] == 1


async def test_the_own_page_lists_places_and_leads_to_an_offer(shop, page):
    event, other, hold = await held_by_another(shop, name="Waited for")
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("wish-quantity").fill("1")
    await page.get_by_test_id("join-waitlist").click()
    await expect(page.get_by_test_id("waitlist-rank")).to_have_text("1")
    await page.goto("/account")
    place = page.get_by_test_id("place")
    await expect(place).to_contain_text("Waited for")
    await expect(place).to_have_attribute("data-state", "waiting")
    await shop.api.ok(event, other, "release", hold=hold, areas={"GA": 1})
    await expect(place).to_have_attribute("data-state", "turn")
    await place.get_by_role("link").click()
    await holds(page, "General admission")
