"""The line in the browser: joining, waiting, one's turn, buying in it."""

import re
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.line import line_of, lined
from tests.browser.shop import Shop
from tests.browser.steps import check_out, choose, pay, seat, tab_to
from tests.browser.until import until
from tests.contract.client import Json

AWAY = "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket"
QUIET_GATE: Json = {"bits": 6, "captcha": False, "per_address": 50}


async def act(shop: Shop, event: str, verb: str) -> None:
    """Pause, resume or close a line, as who manages it does."""
    await shop.api.good("POST", f"/v1/events/{event}/line/{verb}", who=shop.api.admin)


async def waiting(shop: Shop, page: Page, *, before: int = 0, **fields: Any) -> str:
    """Join a line in which nobody is given a turn, behind others; return the event."""
    event = await lined(shop, paid=True, **fields)
    await act(shop, event, "pause")
    path, body = f"/v1/events/{event}/line/entries", {"wish": {"quantity": 1}}
    for _ in range(before):
        await shop.api.good("POST", path, body, who=await shop.api.guest())
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("line-rank")).to_have_text(str(before + 1))
    return event


async def test_from_joining_over_the_turn_to_a_paid_order(shop, page):
    event = await lined(shop, paid=True, name="A fair sale")
    await act(shop, event, "pause")
    await page.goto(f"/events/{event}")
    # Nothing can be taken without a turn.
    await expect(page.get_by_test_id("join-line")).to_be_visible()
    await expect(page.get_by_test_id("best-available")).to_be_hidden()
    await expect(seat(page, "A-1")).to_be_disabled()
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("line-rank")).to_have_text("1")
    await expect(page.get_by_test_id("line-ahead")).to_contain_text("Nobody is before")
    await expect(page.get_by_test_id("line-sound")).not_to_be_checked()
    # The place is the visitor's, whatever becomes of the page.
    await page.reload()
    await expect(page.get_by_test_id("line-rank")).to_have_text("1")
    other = await page.context.new_page()
    await other.goto(f"/events/{event}")
    await expect(other.get_by_test_id("line-rank")).to_have_text("1")
    await other.close()

    await act(shop, event, "resume")
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
    over = page.get_by_test_id("line-over")
    await expect(over).to_have_attribute("data-why", "booked")
    await expect(line_of(page)).to_have_attribute("data-state", "done")


async def test_a_place_is_paused_wished_for_left_and_had_anew(shop, page):
    event = await waiting(shop, page, before=2)
    await expect(page.get_by_test_id("line-ahead")).to_have_attribute("data-ahead", "2")
    await page.get_by_test_id("line-pause").click()
    await expect(line_of(page)).to_have_attribute("data-state", "paused")
    await page.reload()
    await expect(page.get_by_test_id("line-paused")).to_be_visible()
    await page.get_by_test_id("line-pause").click()
    await expect(line_of(page)).to_have_attribute("data-state", "waiting")

    await page.get_by_test_id("line-edit").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_test_id("line-wish").check()
    await dialog.get_by_test_id("wish-quantity").fill("3")
    await dialog.get_by_test_id("wish-category").select_option("1")
    await dialog.get_by_test_id("wish-save").click()
    await expect(line_of(page)).to_contain_text("3 places, Stalls")

    await page.get_by_test_id("line-leave").click()
    await page.get_by_test_id("line-leave-yes").click()
    await expect(page.get_by_test_id("line-over")).to_have_attribute("data-why", "left")

    async def two_wait() -> bool:
        line = await shop.api.good("GET", f"/v1/events/{event}/line")
        return bool(line["counts"]["waiting"] == 2)

    await until(two_wait)
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("line-rank")).to_have_text("4")


async def test_a_turn_is_made_longer_ten_times(shop, page):
    event = await lined(shop, paid=True, line={"turn_s": 600})
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("join-line").click()
    left = page.get_by_test_id("turn-countdown")
    await expect(left).to_be_visible()
    more, told = page.get_by_test_id("turn-more"), page.get_by_test_id("line-trouble")
    for _ in range(10):
        await more.click()
        await expect(more).not_to_have_attribute("aria-disabled", "true")
        await expect(told).to_be_hidden()
    await expect(left).to_have_text(re.compile(r"^1\d:\d\d$"))
    await more.click()
    await expect(told).to_contain_text("cannot be made longer any more")
    await page.reload()
    await expect(left).to_have_text(re.compile(r"^1\d:\d\d$"))


async def test_a_turn_that_ran_out_says_so_and_what_now(shop, page):
    event = await lined(shop, paid=True, line={"turn_s": 2})
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("join-line").click()
    over = page.get_by_test_id("line-over")
    await expect(over).to_have_attribute("data-why", "ran_out")
    # This line gives everybody one turn.
    await expect(over).to_contain_text("Each person has one turn")
    await expect(page.get_by_test_id("join-line")).to_be_hidden()
    await expect(page.get_by_test_id("best-available")).to_be_hidden()
    again = await lined(shop, paid=True, line={"turn_s": 2, "again": True})
    await page.goto(f"/events/{again}")
    await page.get_by_test_id("join-line").click()
    await expect(over).to_contain_text("You may join again")
    await expect(page.get_by_test_id("join-line")).to_be_visible()


async def test_a_wish_is_executed_while_the_tab_sleeps(shop, page):
    event = await lined(shop, paid=True)
    await act(shop, event, "pause")
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("line-wish").check()
    await page.get_by_test_id("wish-quantity").fill("2")
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("line-rank")).to_have_text("1")
    context = page.context
    await page.close()
    await act(shop, event, "resume")
    back = await context.new_page()
    await back.goto(f"/events/{event}")
    await expect(back.get_by_test_id("line-turn")).to_be_visible()
    held = back.get_by_test_id("hold-seats").locator("li")
    await expect(held).to_have_count(2)
    await check_out(back)
    await pay(back)


async def test_a_place_outlives_the_server(shop, page, trouble):
    trouble.forgive(AWAY)
    event = await waiting(shop, page, before=1)
    await shop.kill()
    await expect(page.get_by_test_id("connecting")).to_be_visible()
    await shop.start()
    await expect(page.get_by_test_id("connecting")).to_be_hidden()
    await expect(page.get_by_test_id("line-rank")).to_have_text("2")
    await act(shop, event, "resume")
    await expect(page.get_by_test_id("line-turn")).to_be_visible()


async def test_all_of_the_line_by_keyboard_alone(shop, page):
    event = await lined(shop, paid=True)
    await page.goto(f"/events/{event}")
    join = page.get_by_test_id("join-line")
    await expect(join).to_be_visible()
    await tab_to(page, join)
    await page.keyboard.press("Enter")
    turn = page.get_by_test_id("line-turn")
    await expect(turn.get_by_role("heading")).to_be_focused()
    # From there it is not far to what is to be done.
    for target in ("turn-more", "quantity", "best-available"):
        await tab_to(page, page.get_by_test_id(target), presses_max=6)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("hold-countdown")).to_be_visible()


async def test_a_line_that_asks_for_work_is_joined_all_the_same(shop, page):
    event = await lined(shop, paid=True, line={"gate": QUIET_GATE})
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("line-turn")).to_be_visible()


async def test_a_line_for_accounts_says_so_to_a_guest(shop, page):
    event = await lined(shop, paid=True, line={"identity": "account"})
    await page.goto(f"/events/{event}")
    told = page.get_by_test_id("line-account")
    await expect(told).to_contain_text("for those with an account")
    await expect(told.get_by_role("link")).to_have_attribute("href", "/account")
    await expect(page.get_by_test_id("join-line")).to_be_hidden()


async def test_a_phone_shows_the_place_above_the_map(shop, open_page):
    page = await open_page(viewport=PHONE)
    await waiting(shop, page)
    await expect(page.get_by_test_id("line-rank")).to_be_in_viewport()
