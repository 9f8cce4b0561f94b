"""A whole purchase, to the gate, without a pointing device."""

import pytest
from playwright.async_api import expect

from tests.browser.steps import (
    EMAIL,
    GATEWAY,
    NAME,
    ORDER,
    codes_on,
    expect_confirmed,
    holds,
    seat,
    tab_to,
)
from tests.browser.until import until
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.campaign


async def test_all_of_a_purchase_by_keyboard_alone(shop, page, open_page):
    await shop.event(paid=True, name="By keys alone")
    await page.goto("/")
    card = page.get_by_test_id("event-card").filter(has_text="By keys alone")
    await expect(card).to_be_visible()
    await tab_to(page, card)
    await page.keyboard.press("Enter")
    first, second = seat(page, "A-1"), seat(page, "A-2")
    await expect(first).to_be_visible()
    await tab_to(page, first)
    await page.keyboard.press("Enter")
    await holds(page, "A-1")
    await expect(first).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(second).to_be_focused()
    await page.keyboard.press("Space")
    await holds(page, "A-2")
    await expect(second).to_be_focused()
    await tab_to(page, page.get_by_test_id("checkout"))
    await page.keyboard.press("Enter")
    for name, text in (("buyer-email", EMAIL), ("buyer-name", NAME)):
        field = page.get_by_test_id(name)
        await expect(field).to_be_visible()
        await tab_to(page, field)
        await page.keyboard.type(text)
    await tab_to(page, page.get_by_test_id("pay"))
    await page.keyboard.press("Enter")
    await page.wait_for_url(GATEWAY)
    await tab_to(page, page.get_by_test_id("gateway-pay"))
    await page.keyboard.press("Enter")
    await page.wait_for_url(ORDER)
    await expect_confirmed(page)
    codes = await codes_on(page)
    assert len(codes) == 2


async def test_all_of_the_gate_by_keyboard_alone(shop, open_page):
    event = await shop.event(paid=True)
    order = await shop.buy(event, seats=["A-1"])
    gate = await open_page()
    await gate.goto(f"/checkin/{event}")
    for name, text in (("email", ADMIN_EMAIL), ("password", ADMIN_PASSWORD)):
        field = gate.get_by_test_id(name)
        await expect(field).to_be_visible()
        await tab_to(gate, field)
        await gate.keyboard.type(text)
    await gate.keyboard.press("Enter")
    # A scanner types: what it types into has the focus by itself.
    await expect(gate.get_by_test_id("scan-input")).to_be_focused()
    await gate.keyboard.type(order["tickets"][0]["code"])
    await gate.keyboard.press("Enter")
    result = gate.get_by_test_id("scan-result")
    await expect(result).to_contain_text("A-1")
    await tab_to(gate, gate.get_by_test_id("scan-undo"))
    await gate.keyboard.press("Enter")

    async def is_out() -> bool:
        path = f"/v1/events/{event}/checkin/counts"
        told = await shop.api.good("GET", path, who=shop.api.admin)
        return bool(told["lists"][0]["in"] == 0)

    await until(is_out)
