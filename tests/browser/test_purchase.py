"""From the list of events to the gate and back, through the pages alone."""

from playwright.async_api import expect

from tests.browser.steps import (
    Blindfold,
    check_out,
    codes_on,
    holds,
    open_event,
    pay,
    scan,
    seat,
    sign_in_at_the_door,
)


async def test_a_lost_seat_an_alternative_a_payment_a_ticket_and_the_gate(
    shop, page, open_page
):
    event = await shop.event(paid=True, name="A purchase")
    blindfold = Blindfold()
    await blindfold.put_on(page)
    await page.goto("/")
    await page.get_by_test_id("event-card").filter(has_text="A purchase").click()
    await page.wait_for_url(f"**/events/{event}")
    await expect(page.get_by_test_id("seat-map")).to_be_visible()
    await expect(seat(page, "A-1")).to_be_enabled()

    # Somebody is faster, and the page has not heard of it.
    blindfold.on = True
    await shop.hold(event, seats=["A-1"])
    await seat(page, "A-1").click()
    alternatives = page.get_by_test_id("alternatives")
    await expect(alternatives).to_be_visible()
    blindfold.on = False
    await alternatives.get_by_role("button").first.click()
    await expect(alternatives).to_be_hidden()
    await holds(page)
    total = page.get_by_test_id("hold-total")
    await expect(total).to_contain_text("45")

    await check_out(page)
    order = await pay(page)
    (code,) = await codes_on(page)
    told = await shop.api.good("GET", f"/v1/events/{event}/orders", who=shop.api.admin)
    assert [(one["order"], one["status"]) for one in told["items"]] == [
        (order, "confirmed")
    ]

    gate = await open_page()
    await sign_in_at_the_door(gate, event)
    await scan(gate, code, "ok")
    await gate.get_by_test_id("scan-undo").click()
    undone = gate.get_by_test_id("scan-result")
    await expect(undone).to_have_attribute("data-result", "undone")
    await scan(gate, code, "ok")
    await scan(gate, code, "already_in")


async def test_what_is_held_can_be_given_back(shop, page):
    event = await shop.event(paid=True)
    await open_event(page, event)
    await page.get_by_test_id("quantity").fill("2")
    await page.get_by_test_id("best-available").click()
    await holds(page)
    assert sorted((await shop.api.letters(event)).values()).count("h") == 2
    await page.get_by_test_id("release").click()
    await expect(page.get_by_test_id("hold-countdown")).to_be_hidden()
    assert set((await shop.api.letters(event)).values()) == {"f"}
