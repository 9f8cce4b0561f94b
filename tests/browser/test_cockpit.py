"""An event while it sells, as who runs it sees and steers it."""

import pytest
from playwright.async_api import expect

from tests.browser.line import lined
from tests.browser.organiser import sign_in
from tests.browser.steps import expect_seat, open_event
from tests.contract.client import after

pytestmark = pytest.mark.campaign
HIDE = """
(state) => {
  const told = { value: state, configurable: true };
  Object.defineProperty(document, "visibilityState", told);
  document.dispatchEvent(new Event("visibilitychange"));
}
"""


async def opened(page, event):
    await page.goto(f"/organise/events/{event}")
    await sign_in(page)
    await expect(page.get_by_test_id("tile-booked")).to_be_visible()


async def do(page, name):
    """Ask for something, and say yes."""
    await page.get_by_test_id(name).click()
    await page.get_by_test_id(f"{name}-yes").click()


async def expect_status(page, words):
    await expect(page.get_by_test_id("cockpit-status")).to_have_text(words)


async def test_pausing_is_asked_once_and_buyers_are_told(shop, page, open_page):
    event = await shop.event()
    buyer = await open_page()
    await open_event(buyer, event)
    await expect(buyer.get_by_test_id("best-available")).to_be_enabled()
    await opened(page, event)
    await page.get_by_test_id("cockpit-pause").click()
    await page.get_by_role("button", name="Leave it").click()
    await expect_status(page, "On sale")
    await do(page, "cockpit-pause")
    await expect(page.get_by_test_id("cockpit-did")).to_contain_text("was paused at")
    await expect_status(page, "Paused")
    await expect(buyer.get_by_text("paused").first).to_be_visible()
    await do(page, "cockpit-resume")
    await expect_status(page, "On sale")
    await expect(buyer.get_by_test_id("best-available")).to_be_enabled()
    await page.get_by_text("Who did what").click()
    steps = page.get_by_test_id("steps").get_by_role("listitem")
    await expect(steps.nth(0)).to_contain_text("Resumed the sale")
    await expect(steps.nth(1)).to_contain_text("Paused the sale")


async def test_closing_ends_it_for_good(shop, page):
    event = await shop.event()
    await opened(page, event)
    await do(page, "cockpit-close")
    await expect_status(page, "Closed")
    await expect(page.get_by_test_id("cockpit-did")).to_contain_text("was closed at")
    for name in ("cockpit-pause", "cockpit-resume", "cockpit-close"):
        await expect(page.get_by_test_id(name)).to_have_count(0)


async def test_what_others_buy_is_seen_and_goes_on_after_a_kill(shop, page, trouble):
    trouble.forgive("ERR_|503|502")
    event = await shop.event()
    await opened(page, event)
    who = await shop.api.guest()
    await shop.hold(event, who, seats=["A-1", "A-2"])
    await expect(page.get_by_test_id("tile-held")).to_contain_text("2")
    await shop.kill()
    await expect(
        page.get_by_role("alert").filter(has_text="reach").first
    ).to_be_visible()
    await shop.start()
    await expect(page.get_by_role("alert").filter(has_text="reach")).to_have_count(0)
    await shop.hold(event, await shop.api.guest(), seats=["A-3"])
    await expect(page.get_by_test_id("tile-held")).to_contain_text("3")


async def test_what_is_lost_is_told_by_its_reason(shop, page):
    event = await shop.event()
    await opened(page, event)
    api, one, other = shop.api, await shop.api.guest(), await shop.api.guest()
    held = await api.ok(event, one, "hold", seats=["A-1"])
    for _ in range(2):
        refused = await api.command(event, other, "hold", seats=["A-1"])
        assert refused.body["code"] == "seat_not_free"
    await api.ok(event, one, "release", hold=held["hold"])
    await expect(page.get_by_test_id("lost-no_seat_not_free")).to_have_text("2")
    await expect(page.get_by_test_id("lost-released")).to_have_text("1")


async def test_places_go_off_sale_and_back_on_the_map(shop, page, open_page):
    event = await shop.event()
    buyer = await open_page()
    await open_event(buyer, event)
    await opened(page, event)
    await page.get_by_test_id("show-map").click()
    await expect(page.get_by_test_id("seat-map")).to_be_visible()
    await page.locator(".list-part > summary").click()
    await page.get_by_test_id("whole-rows").check()
    mine = page.get_by_test_id("seat-list")
    await mine.locator('[data-seat="A-1"]').click()
    await page.get_by_test_id("block").click()
    await expect(page.get_by_test_id("blocks-told")).to_contain_text("8 places")
    await expect_seat(buyer, "A-8", "closed")
    await expect_seat(buyer, "B-1", "free")
    await page.locator('[data-chip="A-8"]').click()
    await page.get_by_test_id("unblock").click()
    await expect_seat(buyer, "A-8", "free")


async def test_the_line_is_steered_and_those_who_wait_are_told(shop, page, open_page):
    event = await lined(shop, on_sale_at=after(days=1))
    buyer = await open_page(locale="de-DE")
    await buyer.goto(f"/events/{event}")
    await buyer.get_by_test_id("join-line").click()
    await opened(page, event)
    await do(page, "line-pause")
    await expect(page.get_by_test_id("line-phase")).to_have_text("It stands still")
    await page.get_by_test_id("line-pace").click()
    await page.get_by_test_id("turns-per-min").fill("90")
    await page.get_by_test_id("line-pace-yes").click()
    await expect(page.get_by_test_id("pace-wanted")).to_have_text("90 a minute")
    await page.get_by_test_id("line-say").click()
    await page.get_by_test_id("say-text").fill("Ten minutes more.")
    await page.get_by_test_id("say-de").fill("Noch zehn Minuten.")
    await page.get_by_test_id("line-say-yes").click()
    await expect(page.get_by_test_id("said")).to_contain_text("Ten minutes more.")
    told = buyer.get_by_test_id("line-message")
    await expect(told).to_contain_text("Noch zehn Minuten.")
    await do(page, "line-resume")
    await expect(page.get_by_test_id("line-did")).to_contain_text("moves since")


async def test_a_tab_that_nobody_sees_asks_nothing(shop, page):
    event = await shop.event()
    await opened(page, event)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    async with page.expect_request("**/live?**"):
        pass
    await page.evaluate(HIDE, "hidden")
    # What was on its way before may still end; a second of another clock passes here.
    await page.evaluate("new Promise((done) => setTimeout(done, 1500))")
    asked.clear()
    await page.evaluate("new Promise((done) => setTimeout(done, 3000))")
    assert asked == []
    async with page.expect_request("**/live?**"):
        await page.evaluate(HIDE, "visible")


async def test_it_speaks_german(shop, open_page):
    event = await shop.event()
    page = await open_page(locale="de-DE")
    await opened(page, event)
    await expect_status(page, "Im Verkauf")
    await page.get_by_test_id("cockpit-pause").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading")).to_have_text("Verkauf anhalten")
    await dialog.get_by_role("button", name="So lassen").click()
    await expect(dialog).to_have_count(0)
