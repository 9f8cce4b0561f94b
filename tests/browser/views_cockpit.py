"""The cockpit of an event in each of its states."""

from playwright.async_api import Page, expect

from tests.browser.line import lined
from tests.browser.organiser import open_signed_in
from tests.browser.stage import Stage


async def cockpit(stage: Stage, page: Page) -> None:
    """An event that sells."""
    await open_signed_in(page, f"/organise/events/{stage.gala}")
    await expect(page.get_by_test_id("tile-booked")).to_be_visible()


async def cockpit_asks(stage: Stage, page: Page) -> None:
    """What pausing asks."""
    await cockpit(stage, page)
    await page.get_by_test_id("cockpit-pause").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def cockpit_paused(stage: Stage, page: Page) -> None:
    """A sale that is paused, who did it, and what was lost."""
    shop = stage.shop
    event = await shop.event(name="A Small Evening")
    one, other = await shop.api.guest(), await shop.api.guest()
    await open_signed_in(page, f"/organise/events/{event}")
    await expect(page.get_by_test_id("tile-booked")).to_be_visible()
    await shop.api.ok(event, one, "hold", seats=["A-1", "A-2"])
    await shop.api.command(event, other, "hold", seats=["A-1"])
    await page.get_by_test_id("cockpit-pause").click()
    await page.get_by_test_id("cockpit-pause-yes").click()
    await expect(page.get_by_test_id("cockpit-resume")).to_be_visible()
    await page.get_by_text("Who did what").click()
    steps = page.get_by_test_id("steps").get_by_role("listitem")
    await expect(steps.first).to_contain_text("Paused the sale")
    await expect(page.get_by_test_id("lost-no_seat_not_free")).to_have_text("1")


async def cockpit_line(stage: Stage, page: Page) -> None:
    """A line that stands still, and what those in it were told."""
    shop = stage.shop
    event = await lined(shop, name="A Fair Evening")
    path, who = f"/v1/events/{event}/line", shop.api.admin
    await shop.api.good("POST", f"{path}/pause", who=who)
    said = {"text": "The doors open an hour later."}
    await shop.api.good("POST", f"{path}/messages", said, who=who)
    for _ in range(3):
        await shop.api.good("POST", f"{path}/entries", {}, who=await shop.api.guest())
    await open_signed_in(page, f"/organise/events/{event}")
    await expect(page.get_by_test_id("said")).to_be_visible()
    await expect(page.get_by_test_id("tile-waiting")).to_contain_text("3")


async def cockpit_map(stage: Stage, page: Page) -> None:
    """Seats that are picked on the map."""
    event = await stage.shop.event(name="A Small Evening")
    await open_signed_in(page, f"/organise/events/{event}")
    await page.get_by_test_id("show-map").click()
    await expect(page.get_by_test_id("seat-map")).to_be_visible()
    await page.get_by_test_id("whole-rows").check()
    await page.locator(".list-part > summary").click()
    await page.get_by_test_id("seat-list").locator('[data-seat="B-2"]').click()
    await expect(page.get_by_test_id("block")).to_be_visible()
    await page.locator(".list-part > summary").click()


COCKPIT = (cockpit, cockpit_asks, cockpit_paused, cockpit_line, cockpit_map)
