"""Codes and kinds of tickets, parts given back, tickets passed on, and being told."""

import asyncio
import re
import shutil

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.shop import Shop
from tests.browser.steps import NAME, check_out, choose, open_event, pay
from tests.database import drop_database, make_database
from tests.post_office import PostOffice
from tests.scratch import make_folder

pytestmark = pytest.mark.campaign

TYPES = {
    "child": {
        "name": "Child",
        "prices": {"1": {"amount": 2_000, "currency": "EUR"}},
        "max_per_order": 1,
    }
}
FEES = {"per_ticket": 150}
PASSWORD = "seven swans a swimming"


@pytest.fixture(scope="module")
def office():
    """Where mails arrive."""
    office = PostOffice().open()
    yield office
    office.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(server_url, database_template, office):
    """A shop that sends mails, whose links lead to it."""
    url = await asyncio.to_thread(make_database, server_url, database_template)
    settings = {
        "ONSALE_SMTP_URL": office.url,
        "ONSALE_MAIL_FROM": "Tickets <tickets@example.org>",
    }
    folder = make_folder("browser-more")
    async with Shop(url, folder, **settings) as shop:
        shop.server.extra["ONSALE_PUBLIC_URL"] = shop.url
        await shop.restart()
        yield shop
    shutil.rmtree(folder, ignore_errors=True)
    await asyncio.to_thread(drop_database, server_url, url)


async def add_code(page, code):
    """Type a code in at the checkout."""
    await page.get_by_test_id("code-open").click()
    await page.get_by_test_id("code-input").fill(code)
    # Enter applies the code, and does not send the order.
    await page.get_by_test_id("code-input").press("Enter")


async def test_a_code_is_told_before_it_is_paid_and_what_is_paid_is_what_was_told(
    shop, page, trouble
):
    trouble.forgive("409")
    event = await shop.event(paid=True, types=TYPES, fees=FEES)
    await shop.promotion(event, "TENPERCENT", percent_ppm=100_000, stacks=True)
    await shop.promotion(
        event,
        "KIDS",
        amount={"amount": 500, "currency": "EUR"},
        types=["child"],
        stacks=True,
    )
    await open_event(page, event)
    await choose(page, "A-1", "A-2")
    await page.get_by_test_id("checkout").click()
    await add_code(page, "no such code")
    alert = page.locator(".codes [role=alert]")
    await expect(alert).to_contain_text("There is no such code")
    await page.get_by_test_id("code-input").fill("ten-percent")
    await page.get_by_test_id("code-apply").click()
    first, second = (page.get_by_test_id("code").nth(n) for n in (0, 1))
    await expect(first).to_contain_text("10% off each place")
    await expect(page.get_by_test_id("quote-discount")).to_contain_text("€9.00")
    await expect(page.get_by_test_id("quote-total")).to_have_text("€84.00")
    # One that is for children waits for a child.
    await add_code(page, "kids")
    await expect(second).to_contain_text("It takes nothing off of what you have now.")
    await expect(page.get_by_test_id("pay")).to_have_text("Pay €84.00")
    await page.get_by_text("Your places (2)").click()
    kind = page.get_by_label("Ticket for A-1")
    await expect(kind.locator("option")).to_have_text(
        [re.compile("Normal.*45.00"), re.compile("Child.*20.00")]
    )
    await kind.select_option("child")
    await expect(second).to_have_attribute("data-idle", "no")
    # 45.00 and 20.00 less 10 % are 58.50; 5.00 less, and 3.00 of fees.
    await expect(page.get_by_test_id("pay")).to_have_text("Pay €56.50")
    await page.get_by_label("Ticket for A-2").select_option("child")
    await expect(page.locator(".trouble")).to_contain_text("so many tickets")
    await page.get_by_label("Ticket for A-2").select_option("")
    await expect(page.locator(".trouble")).to_have_count(0)
    await page.get_by_role("button", name="Remove the code TEN-PERCENT").click()
    await expect(page.get_by_test_id("pay")).to_have_text("Pay €63.00")
    # What was typed is there after a reload, too.
    await page.reload()
    await check_out(page)
    await expect(page.locator("body")).to_contain_text("63.00")
    await pay(page)
    orders = await shop.api.good(
        "GET", f"/v1/events/{event}/orders", who=shop.api.admin
    )
    (order,) = orders["items"]
    assert order["total"]["amount"] == 6_300
    assert [one["discount"] for one in order["lines"]] == [500, 0]


async def test_a_code_that_is_used_up_by_then_is_told_and_nothing_is_ordered(
    shop, page, trouble
):
    trouble.forgive("409")
    event = await shop.event(paid=True)
    await shop.promotion(event, "ONLYONE", limit=1, percent_ppm=500_000)
    await open_event(page, event)
    await choose(page, "A-1")
    await page.get_by_test_id("checkout").click()
    await add_code(page, "onlyone")
    await expect(page.get_by_test_id("pay")).to_have_text("Pay €22.50")
    other = await shop.api.guest()
    held = await shop.hold(event, other, seats=["B-1"])
    body = {"event": event, "hold": held["hold"], "codes": ["ONLYONE"]}
    await shop.api.good("POST", "/v1/orders", body, who=other)
    await page.get_by_test_id("pay").click()
    await expect(page.locator(".trouble")).to_contain_text("as often as it may be")
    await expect(page.get_by_test_id("pay")).to_have_text("Pay €45.00")
    await page.get_by_test_id("pay").click()
    await page.wait_for_url(re.compile(r"/pay/"))


CONFIRM = {
    "en": "Confirm your email address",
    "de": "Bestätigen Sie Ihre E-Mail-Adresse",
}


async def buyer(page, office, email, language="en"):
    """Make an account whose address is confirmed; the page shows it."""
    await page.goto("/account")
    await page.get_by_test_id("way-new").click()
    form = page.get_by_test_id("register")
    for name, text in (("name", NAME), ("email", email), ("password", PASSWORD)):
        await form.locator(f"[name={name}]").fill(text)
    await form.get_by_role("button").click()
    await page.goto(await link_in(office, email, CONFIRM[language]))
    await expect(page.get_by_test_id("verified")).to_be_visible()


async def link_in(office, address, subject):
    """Wait for a mail and return the link to the account in it."""
    mail = await office.mail_to(address, subject)
    text = mail.get_body(("plain",)).get_content()
    (link,) = re.findall(r"http://\S+/account#\S+", text)
    return link


async def bought(page, shop, *labels, **fields):
    """Buy seats on the page of an event; the page of the order is open at the end."""
    event = await shop.event(paid=True, **fields)
    await open_event(page, event)
    await choose(page, *labels)
    await check_out(page)
    await pay(page)
    return event


async def test_a_part_goes_back_as_was_told_and_its_refund_is_followed(shop, page):
    fees = {"per_order": 100, "per_ticket": 150, "returns": False}
    event = await bought(page, shop, "A-1", "A-2", "A-3", fees=fees)
    await page.get_by_test_id("give-back").click()
    dialog = page.get_by_role("dialog")
    told = page.get_by_test_id("comes-back")
    await dialog.get_by_label("A-1").check()
    await expect(told).to_contain_text("€45.00 goes back")
    await dialog.get_by_label("A-3").check()
    await expect(told).to_contain_text("€90.00 goes back")
    await dialog.get_by_role("button", name="Give back 2 places").click()
    await expect(dialog).to_have_count(0)
    # Followed to its end without a reload, and without the slow look.
    refund = page.get_by_test_id("refund")
    await expect(refund).to_contain_text("€90.00")
    await expect(refund).to_have_attribute("data-state", "settled")
    await expect(page.locator(".bill tr.gone")).to_have_count(2)
    letters = await shop.api.letters(event)
    assert [letters[one] for one in ("A-1", "A-2", "A-3")] == [*"fbf"]
    # One is left, so there is no part to choose, and the fees stay.
    await expect(page.get_by_test_id("give-back")).to_have_count(0)
    await page.get_by_test_id("cancel-order").click()
    await expect(told).to_contain_text("€45.00 goes back")
    await page.get_by_test_id("give-back-yes").click()
    await expect(page.get_by_test_id("order-status")).to_have_text("refunded")
    await expect(page.get_by_test_id("refund")).to_have_count(2)


async def test_after_the_deadline_nothing_is_offered_back(shop, page):
    await bought(page, shop, "A-1", "A-2", cancel_until_s=1_000_000_000)
    await expect(page.get_by_text("Places could be given back until")).to_be_visible()
    for one in ("give-back", "cancel-order"):
        await expect(page.get_by_test_id(one)).to_have_count(0)


async def test_a_ticket_is_passed_on_by_mail_and_both_are_told(
    shop, page, open_page, office, trouble
):
    await buyer(page, office, "giver@example.org")
    await bought(page, shop, "A-1", "A-2", name="Handed over")
    order = page.url
    await page.get_by_test_id("ticket-number").first.click()
    await expect(page.get_by_test_id("ticket-qr")).to_be_visible()
    ticket = page.url
    # Offered, taken back, and offered again.
    for address in ("wrong@example.org", "friend@example.org"):
        await page.get_by_test_id("pass-on").click()
        await page.get_by_test_id("pass-on-email").fill(address)
        await page.get_by_test_id("pass-on-send").click()
        await expect(page.get_by_test_id("offered-to")).to_contain_text(address)
        # Until it is taken it lets its holder in.
        await expect(page.get_by_test_id("ticket-qr")).to_be_visible()
        if address.startswith("wrong"):
            await page.get_by_test_id("take-back").click()
            status = page.get_by_test_id("ticket-status")
            await expect(status).to_have_attribute("data-state", "valid")
    stale = await link_in(office, "wrong@example.org", "A ticket for you: Handed over")
    link = await link_in(office, "friend@example.org", "A ticket for you: Handed over")
    # The link of the offer that was taken back is no use.
    trouble.forgive("transfer/accept")
    await page.goto("/account")
    unread = page.get_by_test_id("unread")
    await expect(page.get_by_test_id("notice")).to_have_count(1)
    await expect(unread).to_have_attribute("data-count", "1")

    friend = await open_page(locale="de-DE")
    await friend.goto(stale)
    await friend.get_by_test_id("take-ticket-guest").click()
    await expect(friend.get_by_role("alert")).to_contain_text("nicht mehr zu haben")
    # The page speaks German, and so do the mails that it has sent.
    await buyer(friend, office, "friend@example.org", "de")
    await friend.goto(link)
    await expect(friend).to_have_url(re.compile(r"/account$"))
    await friend.get_by_test_id("take-ticket").click()
    await expect(friend.get_by_test_id("ticket-qr")).to_be_visible()
    assert friend.url == ticket

    # It comes by itself to an account that is open.
    given = page.get_by_test_id("notice").first
    await expect(given).to_contain_text("belongs to somebody else now")
    await expect(given).to_contain_text("Handed over")
    await expect(unread).to_have_attribute("data-count", "2")
    await page.get_by_test_id("read-all").click()
    await expect(unread).to_have_count(0)
    # A link marks what it leads away from.
    await friend.goto("/account")
    await expect(friend.get_by_test_id("unread")).to_have_attribute("data-count", "1")
    await friend.get_by_test_id("notice").get_by_role("link").click()
    await friend.wait_for_url(ticket)
    await friend.goto("/account")
    await expect(friend.get_by_test_id("notice")).to_have_attribute("data-read", "yes")

    # Who gave it has it no more, and returns what is theirs alone.
    await page.goto(ticket)
    await expect(page.get_by_test_id("ticket-qr")).to_have_count(0)
    await page.goto(order)
    await expect(page.get_by_text("passed on")).to_be_visible()
    await expect(page.get_by_test_id("ticket-qr")).to_have_count(1)
    await page.get_by_test_id("cancel-order").click()
    await page.get_by_test_id("give-back-yes").click()
    trouble.forgive("/cancel")
    alert = page.get_by_role("dialog").get_by_role("alert")
    await expect(alert).to_contain_text("was passed on to somebody else")
    await page.get_by_role("button", name="Keep it").click()


async def test_a_ticket_is_taken_without_an_account_and_passed_on_once_more(
    shop, page, open_page, office, trouble
):
    await bought(page, shop, "A-1", name="For a guest")
    await page.get_by_test_id("ticket-number").first.click()
    await page.get_by_test_id("pass-on").click()
    await page.get_by_test_id("pass-on-email").fill("someone@example.org")
    await page.get_by_test_id("pass-on-send").click()
    await expect(page.get_by_test_id("offered-to")).to_be_visible()
    link = await link_in(office, "someone@example.org", "A ticket for you: For a guest")
    other = await open_page()
    await other.goto(link)
    await other.get_by_test_id("take-ticket-guest").click()
    await expect(other.get_by_test_id("ticket-qr")).to_be_visible()
    # Another tab of that browser has it, too.
    more = await other.context.new_page()
    await more.goto(other.url)
    await expect(more.get_by_test_id("ticket-qr")).to_be_visible()
    # And gives it on; what it had it does not show as a ticket any more.
    trouble.forgive("404")
    ticket = other.url
    await other.get_by_test_id("pass-on").click()
    await other.get_by_test_id("pass-on-email").fill("third@example.org")
    await other.get_by_test_id("pass-on-send").click()
    await expect(other.get_by_test_id("offered-to")).to_be_visible()
    link = await link_in(office, "third@example.org", "A ticket for you: For a guest")
    third = await open_page()
    await third.goto(link)
    await third.get_by_test_id("take-ticket-guest").click()
    await expect(third.get_by_test_id("ticket-qr")).to_be_visible()
    await more.goto(ticket)
    await expect(more.get_by_text("You passed this ticket on.")).to_be_visible()
    await expect(more.get_by_test_id("ticket-qr")).to_have_count(0)
