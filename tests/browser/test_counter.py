"""The box office of an event: by keys, beside buyers, and over a server that dies."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.steps import seat
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.campaign
SEATS = 24


async def open_counter(page, event, where="counter"):
    """Open a page of who runs an event, and sign in where that is asked for."""
    await page.goto(f"/organise/events/{event}/{where}")
    await page.get_by_test_id("email").fill(ADMIN_EMAIL)
    await page.get_by_test_id("password").fill(ADMIN_PASSWORD)
    await page.get_by_test_id("sign-in-submit").click()


async def take_cash(page):
    """Sell what is held, and go on to the next customer; return the places."""
    await page.get_by_test_id("pay-cash").click()
    await page.get_by_test_id("paid-yes").click()
    sold = page.get_by_test_id("sold")
    await expect(sold).to_have_attribute("data-status", "confirmed")
    order = await sold.get_attribute("data-order")
    await page.get_by_test_id("next-customer").click()
    await expect(sold).to_have_count(0)
    return order


async def test_who_was_slower_is_told_and_offered_others(shop, page, trouble):
    trouble.forgive("409")
    event = await shop.event(paid=True)
    # What others do reaches this page too late.
    await page.route_web_socket("**/v1/ws", lambda _: None)
    await open_counter(page, event)
    await page.locator(".list-part > summary").click()
    await seat(page, "A-1").click()
    await expect(page.get_by_test_id("hold-seats")).to_contain_text("A-1")
    await shop.hold(event, seats=["A-2"])
    await seat(page, "A-2").click()
    told = page.get_by_role("alert").filter(has_text="A-2")
    await expect(told).to_be_visible()
    await page.get_by_test_id("alternatives").get_by_role("button").first.click()
    await expect(page.get_by_test_id("hold-seats").locator("li")).to_have_count(2)
    order = await take_cash(page)
    made = await shop.api.good("GET", f"/v1/orders/{order}", who=shop.api.admin)
    labels = [one["label"] for one in made["lines"] if one["kind"] == "seat"]
    assert (len(labels), "A-2" in labels) == (2, False)


async def test_the_last_seats_are_sold_once_beside_buyers(shop, page, trouble):
    trouble.forgive("409")
    event = await shop.event(paid=True)
    await open_counter(page, event)
    await expect(page.get_by_test_id("best-available")).to_be_enabled()

    async def buyer():
        """Buy the best two until there are none; return how many."""
        bought = 0
        who = await shop.api.guest()
        async with await shop.socket(who) as socket:
            while True:
                held = await socket.ask("hold_best", event=event, quantity=2)
                if held["op"] != "ok":
                    return bought
                await shop.order(event, held["hold"], who)
                bought += 1

    buying = asyncio.create_task(buyer())
    orders = []
    either = page.get_by_test_id("pay-cash").or_(page.locator(".trouble"))
    for _ in range(SEATS + 1):
        await page.get_by_test_id("quantity").fill("2")
        await page.get_by_test_id("best-available").click()
        await expect(either.first).to_be_visible()
        if await page.locator(".trouble").count():
            break
        orders.append(await take_cash(page))
    bought = await buying
    path = f"/v1/events/{event}/orders?limit=200&status=confirmed"
    listed = (await shop.api.good("GET", path, who=shop.api.admin))["items"]
    sold = [one["label"] for order in listed for one in order["lines"]]
    seats = [one for one in sold if one[0] in "ABC"]
    assert len(seats) == len(set(seats))
    assert len(listed) == len(orders) + bought
    audit = await shop.api.good("GET", f"/v1/events/{event}/audit", who=shop.api.admin)
    assert audit["ok"], audit["differences"]


async def test_a_sale_goes_on_over_a_server_that_dies_and_a_reload(shop, page, trouble):
    trouble.forgive("ERR_|WebSocket|Failed to load|503|409")
    event = await shop.event(paid=True)
    await open_counter(page, event)
    await page.get_by_test_id("quantity").fill("2")
    await page.get_by_test_id("best-available").click()
    held = page.get_by_test_id("hold-seats").locator("li")
    await expect(held).to_have_count(2)
    await page.reload()
    await expect(held).to_have_count(2)
    await expect(page.get_by_test_id("pay-cash")).to_have_attribute(
        "aria-disabled", "false"
    )
    await page.get_by_test_id("pay-cash").click()
    await shop.kill()
    await page.get_by_test_id("paid-yes").click()
    await expect(page.get_by_text("The server does not answer")).to_be_visible()
    await shop.start()
    await expect(page.get_by_test_id("print")).to_be_visible()
    path = f"/v1/events/{event}/orders"
    (order,) = (await shop.api.good("GET", path, who=shop.api.admin))["items"]
    assert (order["status"], len(order["attempts"])) == ("confirmed", 1)


async def test_seats_are_taken_off_sale_and_put_back(shop, page):
    event = await shop.event(paid=True)
    await open_counter(page, event)
    await page.get_by_test_id("mode-block").click()
    await page.locator(".list-part > summary").click()
    await seat(page, "A-1").click()
    await page.get_by_test_id("block-reason").fill("A pillar <b>")
    for act, letter in (("block", "x"), ("unblock", "f")):
        await page.get_by_test_id(act).click()
        await expect(page.get_by_test_id("blocks-told")).to_contain_text("1 place")
        found = await shop.api.good("GET", f"/v1/events/{event}/availability")
        assert found["seats"][0] == letter
        if act == "block":
            off = page.get_by_test_id("off-sale")
            await expect(off).to_have_attribute("data-reason", "A pillar <b>")
            await expect(off).to_contain_text("A pillar <b>")
            # Of that seat alone, and not of its neighbour.
            tip, canvas = page.locator(".map-tip"), page.locator(".seat-map canvas")
            await canvas.press("ArrowRight")
            await canvas.press("ArrowUp")
            await expect(tip).to_contain_text("Row A · Seat 1")
            await expect(tip).to_contain_text("A pillar <b>")
            await canvas.press("ArrowRight")
            await expect(tip).not_to_contain_text("pillar")
            await page.locator('[data-chip="A-1"]').click()
