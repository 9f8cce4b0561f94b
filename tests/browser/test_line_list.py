"""The waitlist in the browser: joined when nothing is free, served by what returns."""

from playwright.async_api import expect

from tests.browser.conftest import PHONE
from tests.browser.line import held_by_another, line_of
from tests.browser.steps import check_out, holds, pay


async def test_an_offer_from_somebody_elses_release_is_bought(shop, page, open_page):
    event, other, hold = await held_by_another(shop, name="Sold out")
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("wish-quantity").fill("1")
    await page.get_by_test_id("join-waitlist").click()
    await expect(page.get_by_test_id("waitlist-rank")).to_have_text("1")
    said = {"text": "Doors open later.", "texts": {"fr": "Plus tard."}}
    path = f"/v1/events/{event}/line/messages"
    await shop.api.good("POST", path, who=shop.api.admin, body=said)
    told = page.get_by_test_id("line-message")
    await expect(told).to_contain_text("Doors open later.")
    behind = await open_page(viewport=PHONE)
    await behind.goto(f"/events/{event}")
    # Who comes later reads it before joining.
    later = behind.get_by_test_id("line-message")
    await expect(later).to_contain_text("Doors open later.")
    await behind.get_by_test_id("wish-quantity").fill("2")
    await behind.get_by_test_id("join-waitlist").click()
    await expect(behind.get_by_test_id("waitlist-rank")).to_have_text("2")
    ahead = behind.get_by_test_id("line-ahead")
    await expect(ahead).to_have_attribute("data-ahead", "1")

    await shop.api.ok(event, other, "release", hold=hold, areas={"GA": 1})
    await expect(page.get_by_test_id("line-turn")).to_be_visible()
    await holds(page, "General admission")
    await check_out(page)
    await pay(page)
    # Who is done is before nobody any more.
    await expect(ahead).to_have_attribute("data-ahead", "0")

    # What is not wanted goes to the next, and the place with it.
    await shop.api.ok(event, other, "release", hold=hold)
    await expect(behind.get_by_test_id("line-turn")).to_have_count(0)
    await behind.get_by_test_id("line-edit").click()
    await behind.get_by_role("dialog").get_by_test_id("wish-quantity").fill("1")
    await behind.get_by_test_id("wish-save").click()
    await expect(behind.get_by_test_id("line-turn")).to_be_visible()
    await behind.get_by_test_id("line-leave").click()
    await expect(line_of(behind)).to_have_attribute("data-state", "left")
    counts = (await shop.api.event(event))["counts"]
    assert (counts["free"], counts["held"], counts["booked"]) == (1, 0, 1)
