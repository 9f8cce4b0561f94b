"""An organiser, from an account of their own to an event that buyers see."""

from playwright.async_api import expect

from tests.browser.organiser import import_chart, venue_made
from tests.contract import charts
from tests.contract.client import Person

EMAIL = "olga@example.org"
PASSWORD = "seven swans a swimming"


async def test_from_an_account_to_a_published_event_of_an_imported_chart(shop, page):
    await page.goto("/account")
    await page.get_by_test_id("way-new").click()
    form = page.get_by_test_id("register")
    await form.locator('[name="name"]').fill("Olga")
    await form.locator('[name="email"]').fill(EMAIL)
    await form.locator('[name="password"]').fill(PASSWORD)
    await form.locator('[type="submit"]').click()
    await expect(page.get_by_test_id("me")).to_be_visible()
    token = (await shop.api.login(EMAIL, PASSWORD)).body["access_token"]
    olga = Person("", "customer", token)
    body = {"name": "Olga's evenings", "timezone": "Europe/Berlin"}
    await shop.api.good("POST", "/v1/organisations", body, who=olga)

    await page.goto("/organise/venues/new")
    await import_chart(page, charts.named_chart("small"))
    await page.get_by_test_id("take-chart").click()
    venue = await venue_made(page, "Olga's hall")

    await page.get_by_test_id("event-here").click()
    await page.get_by_test_id("event-name").fill("A first evening")
    await page.get_by_test_id("event-starts-at").fill("2035-06-01T20:00")
    for key, price in {"1": "45", "2": "30,50"}.items():
        field = page.locator(f'[data-testid="event-price"][data-category="{key}"]')
        await field.fill(price)
    await page.get_by_test_id("make-event").click()
    await page.wait_for_url("**/organise/events/evt_*/edit")
    await page.get_by_test_id("publish").click()
    await page.get_by_test_id("publish-yes").click()
    await expect(page.get_by_test_id("said")).to_contain_text("on sale")

    event = page.url.split("/")[-2]
    shown = await shop.api.good("GET", f"/v1/events/{event}")
    assert (shown["status"], shown["venue"]) == ("on_sale", venue)
    assert shown["starts_at"] == "2035-06-01T18:00:00Z"
    assert {key: one["amount"] for key, one in shown["prices"].items()} == {
        "1": 4500,
        "2": 3050,
    }
