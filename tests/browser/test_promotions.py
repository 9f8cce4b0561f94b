"""What promotions brought, as who runs an event sees it."""

import pytest
from playwright.async_api import expect

from tests.browser.shop import BUYER
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.campaign


async def bought_with(shop, event, code):
    who = await shop.api.guest()
    held = await shop.hold(event, who, seats=["A-1"])
    body = {"event": event, "hold": held["hold"], "buyer": BUYER, "codes": [code]}
    return await shop.api.good("POST", "/v1/orders", body, who=who)


async def sign_in(page, email, password):
    await page.get_by_test_id("email").fill(email)
    await page.get_by_test_id("password").fill(password)
    await page.get_by_test_id("sign-in-submit").click()


async def test_who_runs_an_event_sees_what_each_code_brought_and_takes_the_table(
    shop, page
):
    event = await shop.event()
    await shop.promotion(
        event, "FRIENDS", name="For <b>friends</b>", percent_ppm=100_000
    )
    await bought_with(shop, event, "friends")
    await page.goto(f"/organise/events/{event}/promotions")
    await sign_in(page, ADMIN_EMAIL, ADMIN_PASSWORD)
    card = page.get_by_test_id("promotion")
    await expect(card).to_contain_text("For <b>friends</b>")
    await expect(card.get_by_test_id("uses")).to_have_text("1")
    await card.get_by_test_id("show-codes").click()
    code = card.get_by_test_id("code-numbers")
    await expect(code).to_contain_text("Used once")
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Download as a table").click()
    path = await (await saved.value).path()
    assert await code.get_attribute("data-code") in path.read_text("utf-8-sig")


async def test_who_does_not_run_it_is_told_so(shop, page, trouble):
    trouble.forgive("403|404")
    event = await shop.event()
    who = {"email": "nosy@example.org", "password": "seven swans a swimming"}
    await shop.api.good("POST", "/v1/auth/register", {**who, "name": "Nosy"})
    await page.goto(f"/organise/events/{event}/promotions")
    await sign_in(page, *who.values())
    await expect(
        page.get_by_role("alert").filter(has_text="you do not run it")
    ).to_be_visible()
    await expect(page.get_by_test_id("promotion")).to_have_count(0)
