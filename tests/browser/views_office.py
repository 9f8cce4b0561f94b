"""The box office, orders and money of an event in each of their states."""

from playwright.async_api import Page, expect

from tests.browser.stage import Stage
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD


async def _enter(page: Page, event: str, where: str) -> None:
    await page.goto(f"/organise/events/{event}/{where}")
    await page.get_by_test_id("email").fill(ADMIN_EMAIL)
    await page.get_by_test_id("password").fill(ADMIN_PASSWORD)
    await page.get_by_test_id("sign-in-submit").click()


async def counter(stage: Stage, page: Page) -> None:
    """The box office, before anybody wants anything."""
    await _enter(page, stage.gala, "counter")
    await expect(page.get_by_test_id("best-available")).to_be_enabled()


async def counter_held(stage: Stage, page: Page) -> None:
    """A customer's places, and how they may be paid."""
    await counter(stage, page)
    await page.get_by_test_id("quantity").fill("2")
    await page.get_by_test_id("best-available").click()
    await expect(page.get_by_test_id("pay-cash")).to_have_attribute(
        "aria-disabled", "false"
    )


async def counter_paying(stage: Stage, page: Page) -> None:
    """Money is taken, and what the customer gets back."""
    await counter_held(stage, page)
    await page.get_by_test_id("pay-cash").click()
    await page.locator('[name="given"]').fill("1000")
    await page.locator("dialog details > summary").click()
    await expect(page.get_by_test_id("change")).not_to_be_empty()


async def counter_sold(stage: Stage, page: Page) -> None:
    """Sold: tickets to print, and the next customer."""
    await counter_held(stage, page)
    await page.get_by_test_id("pay-cash").click()
    await page.get_by_test_id("paid-yes").click()
    await expect(page.get_by_test_id("print")).to_be_visible()


async def counter_block(stage: Stage, page: Page) -> None:
    """Seats that are taken off sale."""
    event = await stage.shop.event(paid=True, name="A Small Evening")
    admin = stage.shop.api.admin
    await stage.shop.api.ok(
        event, admin, "block", seats=["A-1", "A-2"], reason="Behind a pillar"
    )
    await stage.shop.api.ok(event, admin, "block", seats=["B-1"])
    await _enter(page, event, "counter")
    await page.get_by_test_id("mode-block").click()
    await page.locator('[data-chip="A-1"]').click()
    await expect(page.get_by_test_id("unblock")).to_be_visible()


async def orders_found(stage: Stage, page: Page) -> None:
    """Orders of an event."""
    event = await stage.shop.event(paid=True, name="A Small Evening")
    for label in ("A-1", "B-2", "C-3"):
        await stage.shop.buy(event, seats=[label])
    await _enter(page, event, "orders")
    await expect(page.get_by_test_id("found-order")).to_have_count(3)


async def order_of_event(stage: Stage, page: Page) -> None:
    """One of them, of which money went back."""
    await orders_found(stage, page)
    await page.get_by_test_id("found-order").get_by_role("link").first.click()
    await page.get_by_test_id("give-amount").click()
    await page.get_by_test_id("amount").fill("2.50")
    await page.get_by_test_id("reason").fill("It rained.")
    await expect(page.get_by_test_id("preview")).to_have_attribute("data-known", "yes")
    await page.get_by_test_id("refund-yes").click()
    await expect(page.get_by_test_id("refund")).to_have_attribute(
        "data-state", "settled"
    )
    await expect(page.get_by_test_id("letter")).to_have_count(2)
    await page.get_by_test_id("history").locator("summary").click()


async def order_preview(stage: Stage, page: Page) -> None:
    """What would go back of it."""
    await order_of_event(stage, page)
    await page.get_by_test_id("give-lines").click()
    await expect(page.get_by_test_id("preview")).to_have_attribute("data-known", "yes")


async def event_cancelled(stage: Stage, page: Page) -> None:
    """An event that does not take place, and its orders."""
    await orders_found(stage, page)
    await page.get_by_text("Cancel the whole event").click()
    await page.get_by_test_id("cancel-event").click()
    await page.get_by_test_id("cancel-sure").check()
    await page.get_by_test_id("cancel-yes").click()
    await expect(page.get_by_test_id("cancelled")).to_have_attribute(
        "data-status", "done"
    )


async def money(stage: Stage, page: Page) -> None:
    """What an event took, with its days and its receipt."""
    event = await stage.shop.event(paid=True, name="A Small Evening")
    await stage.shop.buy(event, seats=["A-1", "A-2"])
    await _enter(page, event, "money")
    await page.get_by_test_id("show-days").click()
    await page.get_by_test_id("audit").click()
    await expect(page.get_by_test_id("audited")).to_have_attribute("data-seal", "good")


OFFICE = (
    counter,
    counter_held,
    counter_paying,
    counter_sold,
    counter_block,
    orders_found,
    order_of_event,
    order_preview,
    event_cancelled,
    money,
)
