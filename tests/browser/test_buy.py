"""Buying on the page of an event: choosing, holding, losing, paying."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.steps import (
    GATEWAY,
    Blindfold,
    check_out,
    choose,
    holds,
    open_event,
    pay,
    seat,
)

TYPES = {
    "child": {"name": "Child", "prices": {"1": {"amount": 2_000, "currency": "EUR"}}}
}
FEES = {"per_order": 100, "per_ticket": 150}
TAX = {"ppm": 190_000, "name": "VAT", "included": True}


async def held_by(page: Page) -> list[str]:
    """Return the labels in the hold's panel."""
    rows = page.get_by_test_id("hold-seats").locator("li bdi")
    return sorted(await rows.all_inner_texts())


async def test_from_the_list_over_a_hold_to_a_paid_order(shop, page):
    event = await shop.event(paid=True, name="A fast path", fees=FEES, tax=TAX)
    await page.goto("/")
    await page.get_by_label("Search").fill("fast path")
    await page.get_by_test_id("event-card").filter(has_text="A fast path").click()
    await page.wait_for_url(f"**/events/{event}")
    await page.get_by_test_id("quantity").fill("2")
    await page.get_by_test_id("best-available").click()
    await holds(page)
    assert (await shop.api.event(event))["counts"]["held"] == 2
    await expect(page.get_by_test_id("hold-total")).to_contain_text("90.00")
    # Fees are told before anything is ordered.
    await expect(page.get_by_test_id("quote-total")).to_contain_text("94.00")
    await page.get_by_test_id("release").click()
    await expect(page.get_by_test_id("hold-countdown")).to_be_hidden()
    await choose(page, "B-2", "B-3")
    await seat(page, "B-2").click()
    await expect(page.get_by_test_id("hold-seats")).not_to_contain_text("B-2")
    await check_out(page)
    await pay(page)
    orders = await shop.api.good(
        "GET", f"/v1/events/{event}/orders", who=shop.api.admin
    )
    (order,) = orders["items"]
    assert [one["label"] for one in order["lines"]] == ["B-3"]
    assert (order["status"], order["total"]["amount"]) == ("confirmed", 4_750)


async def test_a_lost_seat_is_told_with_others_that_are_free(shop, page):
    event = await shop.event()
    blindfold = Blindfold()
    await blindfold.put_on(page)
    await open_event(page, event)
    await expect(seat(page, "A-3")).to_be_enabled()
    blindfold.on = True
    await shop.hold(event, seats=["A-3"])
    await seat(page, "A-3").click()
    await expect(page.get_by_text("Somebody was faster: A-3 is taken.")).to_be_visible()
    offered = page.get_by_test_id("alternatives").get_by_role("button").first
    label = (await offered.locator("bdi").inner_text()).strip()
    await offered.click()
    await holds(page, label)
    await expect(page.get_by_test_id("alternatives")).to_be_hidden()
    assert (await shop.api.letters(event))[label] == "h"


@pytest.mark.campaign
async def test_a_hold_outlives_the_server_and_the_page(shop, page, trouble):
    trouble.forgive("WebSocket|net::ERR_")
    event = await shop.event(paid=True)
    await open_event(page, event)
    await choose(page, "A-1", "A-2")
    await shop.kill()
    strip = page.get_by_text("Connecting …")
    await expect(strip).to_be_visible()
    # What is tapped now is done when the server is back.
    await seat(page, "A-3").click()
    await shop.start()
    await expect(strip).to_be_hidden()
    await holds(page, "A-1", "A-2", "A-3")
    await page.reload()
    await holds(page, "A-1", "A-2", "A-3")
    letters = await shop.api.letters(event)
    assert [letters[one] for one in ("A-1", "A-2", "A-3", "A-4")] == [*"hhhf"]
    await check_out(page)
    await pay(page)


@pytest.mark.campaign
async def test_two_people_see_each_other_within_300_ms(shop, page, open_page):
    event = await shop.event()
    other = await open_page(viewport=PHONE)
    for one in (page, other):
        await open_event(one, event)
        await expect(seat(one, "C-1")).to_be_enabled()
    watch = """() => new Promise((done) => {
      const seat = document.querySelector('[data-seat="C-1"]');
      const look = () => { if (seat.dataset.status === "held") done(Date.now()); };
      new MutationObserver(look).observe(seat, { attributes: true });
      look();
    })"""
    # Both browsers are on this machine and have its clock.
    tap = """() => { const at = Date.now();
      document.querySelector('[data-seat="C-1"]').click(); return at; }"""
    seen = asyncio.ensure_future(other.evaluate(watch))
    await other.evaluate("1")
    begun = await page.evaluate(tap)
    assert 0 <= await seen - begun < 300


@pytest.mark.campaign
async def test_types_fees_and_a_price_that_changes_meanwhile(shop, page, trouble):
    trouble.forgive("409")
    event = await shop.event(paid=True, types=TYPES, fees=FEES, tax=TAX)
    await open_event(page, event)
    await choose(page, "A-1", "A-2")
    child = page.get_by_label("Ticket for A-1")
    await child.select_option("child")
    total = page.get_by_test_id("hold-total")
    await expect(total).to_have_text("€65.00")
    await page.reload()
    await expect(page.get_by_label("Ticket for A-1")).to_have_value("child")
    await expect(total).to_have_text("€65.00")
    await expect(page.get_by_test_id("quote-total")).to_have_text("€69.00")
    await page.get_by_test_id("checkout").click()
    more = {"fees": {"per_ticket": 500}}
    path = f"/v1/events/{event}"
    await shop.api.good("PATCH", path, more, who=shop.api.admin)
    trouble_of_order = "The price has changed: it is now €75.00."
    await page.get_by_test_id("pay").click()
    await expect(page.get_by_text(trouble_of_order)).to_be_visible()
    await expect(page.get_by_test_id("pay")).to_have_text("Pay €75.00")
    await page.get_by_test_id("pay").click()
    await page.wait_for_url(GATEWAY)
    await page.go_back()
    # Where the hold was there is an order by now.
    await expect(page.get_by_test_id("order-status")).to_be_visible()
