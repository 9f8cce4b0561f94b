"""The line in the browser: joining, waiting, one's turn, buying in it."""

import re

from playwright.async_api import expect

from tests.browser.line import line_of, lined
from tests.browser.steps import check_out, choose, pay, seat


async def test_from_joining_over_the_turn_to_a_paid_order(shop, page):
    event = await lined(shop, paid=True, name="A fair sale")
    await shop.api.good("POST", f"/v1/events/{event}/line/pause", who=shop.api.admin)
    await page.goto(f"/events/{event}")
    # Nothing can be taken without a turn.
    await expect(page.get_by_test_id("join-line")).to_be_visible()
    await expect(page.get_by_test_id("best-available")).to_be_hidden()
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("line-rank")).to_have_text("1")
    await expect(page.get_by_test_id("line-ahead")).to_contain_text("Nobody is before")
    # The place is the visitor's, whatever becomes of the page.
    await page.reload()
    await expect(page.get_by_test_id("line-rank")).to_have_text("1")

    await shop.api.good("POST", f"/v1/events/{event}/line/resume", who=shop.api.admin)
    turn = page.get_by_test_id("line-turn")
    await expect(turn).to_be_visible()
    await expect(turn.get_by_role("heading")).to_be_focused()
    await expect(page).to_have_title(re.compile("It is your turn. A fair sale"))
    await expect(page.get_by_test_id("turn-countdown")).to_contain_text(":")
    await expect(seat(page, "A-1")).to_be_enabled()
    await choose(page, "A-1", "A-2")
    await check_out(page)
    order = await pay(page)
    found = await shop.api.good("GET", f"/v1/events/{event}/orders", who=shop.api.admin)
    assert [(one["order"], one["status"]) for one in found["items"]] == [
        (order, "confirmed")
    ]
    await page.goto(f"/events/{event}")
    await expect(page.get_by_test_id("line-over")).to_have_attribute(
        "data-why", "booked"
    )
    await expect(line_of(page)).to_have_attribute("data-state", "done")
