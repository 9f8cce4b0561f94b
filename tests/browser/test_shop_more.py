"""Codes and kinds of tickets, parts given back, tickets passed on, and being told."""

import asyncio
import re
import shutil

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.shop import Shop
from tests.browser.steps import check_out, choose, open_event, pay
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


async def promotion(shop, event, code, uses=None, **rules):
    """Give an event a promotion with one code."""
    path, who = f"/v1/events/{event}/promotions", shop.api.admin
    made = await shop.api.good("POST", path, {"name": "For friends", **rules}, who=who)
    codes = {"code": code} if uses is None else {"code": code, "uses": uses}
    await shop.api.good("POST", f"{path}/{made['id']}/codes", codes, who=who)


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
    await promotion(shop, event, "TENPERCENT", percent_ppm=100_000, stacks=True)
    await promotion(
        shop,
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
    await expect(page.get_by_test_id("quote-discount")).to_have_text("−€9.00")
    await expect(page.get_by_test_id("quote-total")).to_have_text("€84.00")
    # One that is for children waits for a child.
    await add_code(page, "kids")
    await expect(second).to_contain_text("It takes nothing off of what you have now.")
    await expect(page.get_by_test_id("pay")).to_have_text("Pay €84.00")
    await page.get_by_text("Your places (2)").click()
    kind = page.get_by_label("Ticket for A-1")
    await expect(kind.locator("option")).to_have_text(
        ["Normal – €45.00", "Child – €20.00"]
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
    await promotion(shop, event, "ONLYONE", uses=1, percent_ppm=500_000)
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
