"""Buying on the page of an event: choosing, holding, losing, paying."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.steps import (
    GATEWAY,
    Blindfold,
    check_out,
    choose,
    expect_confirmed,
    holds,
    open_event,
    pay,
    seat,
)
from tests.browser.until import until

TYPES = {"child": {"name": "Child", "prices": {"1": {"amount": 2_000, "currency": "EUR"}}}}
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
    orders = await shop.api.good("GET", f"/v1/events/{event}/orders", who=shop.api.admin)
    (order,) = orders["items"]
    assert [one["label"] for one in order["lines"]] == ["B-3"]
    assert (order["status"], order["total"]["amount"]) == ("confirmed", 4_750)
