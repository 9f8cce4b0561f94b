"""An order and its tickets, as their buyer sees them."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PHONE
from tests.browser.own import become, codes_in_sight
from tests.browser.shop import BUYER

COUNT_LOCKS = """
globalThis.locks = 0;
navigator.wakeLock.request = async () => {
  locks++;
  return { release: () => locks-- };
};
"""


POLL_MS = 20_000
NO_POLL = f"""
const later = setTimeout;
globalThis.setTimeout = (work, ms, ...more) =>
  ms === {POLL_MS} ? 0 : later(work, ms, ...more);
"""
POLL_ALONE = f"""
const later = setTimeout;
globalThis.setTimeout = (work, ms, ...more) =>
  later(work, ms === {POLL_MS} ? 200 : ms, ...more);
globalThis.WebSocket = class {{
  constructor() {{ later(() => this.onclose?.(), 0); }}
  close() {{}}
}};
"""


async def order_of(shop, who, seats):
    """Order some seats that have to be paid, and return the order unpaid."""
    event = await shop.event(paid=True)
    held = await shop.hold(event, who, seats=seats)
    body = {"event": event, "hold": held["hold"], "buyer": BUYER}
    return await shop.api.good("POST", "/v1/orders", body, who=who)


async def test_a_paid_order_shows_tickets_that_open_without_a_network(
    shop, page, open_page, trouble
):
    # That the network is off is what it is about.
    trouble.forgive("ERR_INTERNET_DISCONNECTED|ERR_FAILED")
    who = await shop.api.guest()
    order = await order_of(shop, who, ["A-1", "A-2"])
    await page.set_viewport_size(PHONE)
    await become(page, who)
    await page.add_init_script(NO_POLL)
    await page.goto(f"/orders/{order['order']}")
    status = page.get_by_test_id("order-status")
    await expect(status).to_have_text("payment pending")
    await expect(page.get_by_role("timer")).to_have_text(re.compile(r"1[45]:\d\d"))

    # Paid in another tab, this one hears of it, by the frame alone.
    other = await page.context.new_page()
    await other.goto(await page.get_by_test_id("pay").get_attribute("href"))
    await other.get_by_test_id("gateway-pay").click()
    await expect(other.get_by_test_id("order-status")).to_have_text("confirmed")
    await expect(status).to_have_text("confirmed")
    await other.close()
    await expect(page.get_by_test_id("ticket-qr")).to_have_count(2)
    found = await shop.settled(order["order"], who)
    numbers = [one["number"] for one in found["tickets"]]
    await expect(page.get_by_test_id("ticket-number")).to_have_text(numbers)

    first = found["tickets"][0]
    await page.get_by_role("link", name=first["number"]).click()
    await expect(page.get_by_test_id("ticket-qr")).to_be_visible()
    assert await codes_in_sight(page) == [first["code"]]
    await page.get_by_role("button", name="Show it large and bright").click()
    await expect(page.get_by_test_id("ticket-bright")).to_be_visible()
    assert await codes_in_sight(page) == [first["code"]]
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("ticket-bright")).to_be_hidden()

    await page.evaluate("navigator.serviceWorker.ready")
    await page.context.set_offline(True)
    await page.reload()
    await expect(page.get_by_text("Without a network")).to_be_visible()
    await expect(page.get_by_test_id("ticket-number")).to_have_text(first["number"])
    assert await codes_in_sight(page) == [first["code"]]


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("locale", "words"),
    [("en-GB", "Without a network"), ("de-DE", "Ohne Netz")],
)
async def test_a_ticket_opens_offline_in_the_language_of_its_browser(
    shop, open_page, trouble, locale, words
):
    trouble.forgive("ERR_INTERNET_DISCONNECTED|ERR_FAILED")
    who = await shop.api.guest()
    bought = await shop.buy(await shop.event(), who, seats=["A-1"])
    ticket = bought["tickets"][0]
    page = await open_page(locale=locale)
    await become(page, who)
    await page.goto(f"/tickets/{ticket['ticket']}")
    await expect(page.get_by_test_id("ticket-qr")).to_be_visible()
    await page.evaluate("navigator.serviceWorker.ready")
    await page.context.set_offline(True)
    # In a tab that was closed meanwhile, as well.
    other = await page.context.new_page()
    await page.close()
    await other.goto(f"/tickets/{ticket['ticket']}")
    await expect(other.get_by_text(words)).to_be_visible()
    assert await codes_in_sight(other) == [ticket["code"]]
    # One that was never open here says so.
    await other.goto("/tickets/tkt_unknown")
    await expect(other.get_by_role("status")).not_to_be_empty()
    await expect(other.get_by_test_id("ticket-qr")).to_have_count(0)


@pytest.mark.campaign
async def test_the_back_button_and_a_declined_payment_show_what_is_true(
    shop, page, trouble
):
    who = await shop.api.guest()
    order = await order_of(shop, who, ["A-1"])
    await become(page, who)
    await page.goto(f"/orders/{order['order']}")
    await page.get_by_test_id("pay").click()
    await page.get_by_test_id("gateway-decline").click()
    await page.get_by_role("link", name="Back to your order").click()
    await expect(page.get_by_role("button", name="Try to pay again")).to_be_visible()
    await page.get_by_role("button", name="Try to pay again").click()
    await expect(page.get_by_test_id("gateway-pay")).to_be_visible()
    await page.go_back()
    status = page.get_by_test_id("order-status")
    await expect(status).to_have_text("payment pending")
    await page.get_by_test_id("pay").click()
    await page.get_by_test_id("gateway-pay").click()
    await expect(status).to_have_text("confirmed")
    await page.go_back()
    await page.go_back()
    await expect(status).to_have_text("confirmed")
    await expect(page.get_by_test_id("pay")).to_have_count(0)


@pytest.mark.campaign
async def test_without_a_websocket_a_payment_is_seen_too(shop, page):
    who = await shop.api.guest()
    order = await order_of(shop, who, ["A-1"])
    await become(page, who)
    await page.add_init_script(POLL_ALONE)
    await page.goto(f"/orders/{order['order']}")
    status = page.get_by_test_id("order-status")
    await expect(status).to_have_text("payment pending")
    await shop.gateway.choose(order["payment"]["url"], "pay")
    await expect(status).to_have_text("confirmed")
    await expect(page.get_by_test_id("ticket-qr")).to_have_count(1)


@pytest.mark.campaign
async def test_paid_while_the_server_was_away_and_no_tab_was_open(shop, page, trouble):
    trouble.forgive("ERR_CONNECTION_REFUSED|WebSocket|ERR_EMPTY_RESPONSE|ERR_FAILED")
    trouble.forgive("ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING")
    who = await shop.api.guest()
    order = await order_of(shop, who, ["A-1"])
    await become(page, who)
    await page.goto(f"/orders/{order['order']}")
    status = page.get_by_test_id("order-status")
    await expect(status).to_have_text("payment pending")
    await shop.kill()
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    await expect(status).to_have_text("payment pending")
    found, _, _ = await shop.gateway.choose(order["payment"]["url"], "pay")
    assert found == 303
    await shop.start()
    await expect(status).to_have_text("confirmed")
    await expect(page.get_by_text("The server cannot be reached.")).to_have_count(0)


@pytest.mark.campaign
async def test_who_cancels_is_asked_and_told_and_the_ticket_says_no_to_all(
    shop, page, trouble
):
    who = await shop.api.guest()
    event = await shop.event(paid=True)
    bought = await shop.buy(event, who, seats=["A-1"])
    await become(page, who)
    ticket = f"/tickets/{bought['tickets'][0]['ticket']}"
    await page.goto(ticket)
    await expect(page.get_by_test_id("ticket-qr")).to_be_visible()
    await page.goto(f"/orders/{bought['order']}")
    await page.get_by_role("button", name="Cancel this order").click()
    await page.get_by_role("button", name="Keep it").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("button", name="Cancel this order").press("Enter")
    await page.get_by_role("button", name="Cancel the order").press("Enter")
    await expect(page.get_by_test_id("order-status")).to_have_text("refunded")
    title = page.get_by_role("heading", level=1)
    await expect(title).to_have_text("Your money goes back")
    await expect(title).to_be_focused()
    await page.goto(ticket)
    await expect(page.get_by_test_id("ticket-status")).to_contain_text("revoked")
    await expect(page.get_by_test_id("ticket-qr")).to_have_count(0)
    await expect(page.get_by_text("It lets nobody in.")).to_be_visible()


@pytest.mark.campaign
async def test_while_a_ticket_is_shown_large_the_screen_stays_on(shop, page):
    await page.add_init_script(COUNT_LOCKS)
    who = await shop.api.guest()
    bought = await shop.buy(await shop.event(), who, seats=["A-1"])
    await become(page, who)
    await page.goto(f"/tickets/{bought['tickets'][0]['ticket']}")
    opener = page.get_by_role("button", name="Show it large and bright")
    await opener.press("Enter")
    bright = page.get_by_test_id("ticket-bright")
    await expect(bright).to_have_css("background-color", "rgb(255, 255, 255)")
    await page.wait_for_function("locks === 1")
    await bright.get_by_role("button", name="Close").press("Enter")
    await expect(bright).to_have_count(0)
    await page.wait_for_function("locks === 0")
    await expect(opener).to_be_focused()


@pytest.mark.campaign
async def test_a_ticket_that_was_used_says_when(shop, page):
    who = await shop.api.guest()
    event = await shop.event()
    bought = await shop.buy(event, who, seats=["A-1"])
    ticket = bought["tickets"][0]
    scan = {"event": event, "code": ticket["code"], "nonce": "0123456789abcdef"}
    found = await shop.api.good("POST", "/v1/checkin/scans", scan, who=shop.api.admin)
    assert found["result"] == "ok", found
    await become(page, who)
    await page.goto(f"/tickets/{ticket['ticket']}")
    await expect(page.get_by_test_id("ticket-status")).to_contain_text("used")
    await expect(page.get_by_text("This ticket was used")).to_be_visible()


@pytest.mark.campaign
async def test_elsewhere_one_signs_in_or_has_a_link_sent(shop, page, trouble):
    trouble.forgive("401|404|409")
    who = await shop.api.guest()
    bought = await shop.buy(await shop.event(), who, seats=["A-1"])
    await page.goto(f"/orders/{bought['order']}#no-such-secret")
    await expect(page).to_have_url(re.compile(rf"/orders/{bought['order']}$"))
    await expect(page.get_by_text("This link was used already")).to_be_visible()
    await expect(page.get_by_test_id("ticket-qr")).to_have_count(0)
    form = page.get_by_test_id("look-up")
    await form.get_by_label("Order number").fill(bought["reference"])
    await form.get_by_test_id("buyer-email").fill(BUYER["email"])
    await form.get_by_role("button").click()
    await expect(page.get_by_text("a mail is on its way")).to_be_visible()
    await page.get_by_test_id("email").fill("nobody@example.org")
    await page.get_by_test_id("password").fill("two turtle doves")
    await page.get_by_test_id("sign-in-submit").click()
    await expect(page.get_by_test_id("sign-in")).to_contain_text("is wrong")
