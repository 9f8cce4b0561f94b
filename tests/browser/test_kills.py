"""The server is killed while somebody is in the middle: it costs time, nothing else."""

from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.steps import (
    check_out,
    choose,
    codes_on,
    expect_confirmed,
    expect_seat,
    holds,
    open_event,
    pay,
    scan,
    seat,
    sign_in_at_the_door,
)

pytestmark = pytest.mark.campaign
# What the browser itself says where nobody listens.
AWAY = "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket"


@pytest.fixture
def dying_shop(shop, trouble):
    trouble.forgive(AWAY)
    return shop


async def test_a_choice_is_made_while_the_server_is_away(dying_shop, page):
    shop = dying_shop
    event = await shop.event(paid=True)
    await open_event(page, event)
    await choose(page, "A-1")
    await shop.kill()
    await expect(page.get_by_test_id("connecting")).to_be_visible()
    await seat(page, "A-2").click()
    await shop.start()
    await holds(page, "A-1", "A-2")
    await expect(page.get_by_test_id("connecting")).to_be_hidden()
    letters = await shop.api.letters(event)
    assert [letters["A-1"], letters["A-2"]] == ["h", "h"]
    assert list(letters.values()).count("h") == 2


async def test_an_order_is_made_while_the_server_is_away(dying_shop, page):
    shop = dying_shop
    event = await shop.event(paid=True)
    await open_event(page, event)
    await choose(page, "B-1")
    await page.get_by_test_id("checkout").click()
    await page.get_by_test_id("buyer-email").fill("kept@example.org")
    await page.get_by_test_id("buyer-name").fill("Kept")
    await shop.kill()
    await page.get_by_test_id("pay").click()
    await shop.start()
    # It goes on by itself, or says that it can be asked again; never a second order.
    gateway = page.get_by_test_id("gateway-pay")
    again = page.get_by_test_id("pay")
    await expect(gateway.or_(again).first).to_be_enabled()
    if not await gateway.is_visible():
        await again.click()
    await pay(page)
    listed = await shop.api.good(
        "GET", f"/v1/events/{event}/orders", who=shop.api.admin
    )
    assert [one["status"] for one in listed["items"]] == ["confirmed"]


async def test_a_payment_is_made_while_the_server_is_away(dying_shop, page):
    shop = dying_shop
    event = await shop.event(paid=True)
    await open_event(page, event)
    await choose(page, "B-1")
    await check_out(page)
    await shop.kill()
    url = page.url
    assert (await shop.gateway.choose(url, "pay"))[0] == 303
    await shop.start()
    await page.reload()
    await page.get_by_test_id("gateway-back").click()
    await expect_confirmed(page)


async def test_an_order_page_goes_on_after_the_server_was_away(
    dying_shop, page, open_page
):
    shop = dying_shop
    event = await shop.event(paid=True)
    await open_event(page, event)
    await choose(page, "B-1")
    await check_out(page)
    gateway = page.url
    await page.get_by_test_id("gateway-back").click()
    await expect(page.get_by_test_id("order-status")).to_be_visible()
    await shop.kill()
    assert (await shop.gateway.choose(gateway, "pay"))[0] == 303
    await shop.start()
    await expect_confirmed(page)
    (code,) = await codes_on(page)
    body = {"event": event, "code": code, "nonce": str(uuid4())}
    told = await shop.api.good("POST", "/v1/checkin/scans", body, who=shop.api.admin)
    assert (told["result"], told["label"]) == ("ok", "B-1")


async def test_a_ticket_is_scanned_while_the_server_is_away(dying_shop, open_page):
    shop = dying_shop
    event = await shop.event(paid=True)
    order = await shop.buy(event, seats=["C-1", "C-2"])
    first, second = (one["code"] for one in order["tickets"])
    gate = await open_page()
    await sign_in_at_the_door(gate, event)
    await scan(gate, first, "ok")
    await shop.kill()
    await gate.get_by_test_id("scan-input").fill(second)
    await gate.get_by_test_id("scan-input").press("Enter")
    await expect(gate.get_by_test_id("scan-result")).to_contain_text("C-2")
    await shop.start()
    await scan(gate, first, "already_in")
    await scan(gate, second, "already_in")


async def test_a_list_of_seats_is_current_after_the_server_was_away(dying_shop, page):
    shop = dying_shop
    event = await shop.event()
    await open_event(page, event)
    await expect_seat(page, "A-5", "free")
    await shop.kill()
    await shop.start()
    await shop.hold(event, seats=["A-5"])
    await expect_seat(page, "A-5", "held")
