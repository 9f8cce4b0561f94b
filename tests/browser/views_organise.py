"""The pages on which venues and events are made, in each of their states."""

from playwright.async_api import Page, expect

from tests.browser.organiser import import_chart, open_signed_in, set_field
from tests.browser.stage import Stage
from tests.contract import charts

NEW_VENUE = "/organise/venues/new"


async def venue_new(stage: Stage, page: Page) -> None:
    """How a venue can come about."""
    await open_signed_in(page, NEW_VENUE)
    await expect(page.get_by_test_id("by-numbers")).to_be_visible()


async def venue_faults(stage: Stage, page: Page) -> None:
    """A chart that cannot be sold from, and why."""
    await venue_new(stage, page)
    row = charts.row("A", 6, 10.0)
    row["seats"][1]["label"] = row["seats"][0]["label"]
    row["seats"][2]["categoryKey"] = 77
    row["seats"][4]["label"] = "?"
    await import_chart(page, charts.chart([row]))
    await expect(page.get_by_test_id("faults")).to_be_visible()


async def venue_import(stage: Stage, page: Page) -> None:
    """A chart, as buyers would see it."""
    await venue_new(stage, page)
    await import_chart(page, charts.named_chart("small"))
    await expect(page.get_by_test_id("take-chart")).to_be_visible()


async def venue_editor(stage: Stage, page: Page) -> None:
    """Rows, tables and an area made of numbers."""
    await venue_new(stage, page)
    await page.get_by_test_id("by-numbers").click()
    await page.get_by_test_id("add-rows").click()
    for name, value in {
        "section": "Stalls",
        "rows": "12",
        "seats": "20",
        "aisles": "10",
        "bend": "50",
    }.items():
        await set_field(page, 0, name, value)
    await page.get_by_test_id("add-tables").click()
    await page.get_by_test_id("add-area").click()
    await page.get_by_test_id("tool").select_option("accessible")
    await page.get_by_test_id("mark-seats").fill("Stalls-A-1, Stalls-A-2")
    await page.get_by_test_id("mark").click()
    await page.get_by_test_id("venue-name").fill("The Old Foundry")
    await expect(page.get_by_test_id("counts")).to_contain_text("2 for wheelchairs")
    # The map goes along with whoever scrolls.
    await page.evaluate("scrollTo(0, 0)")


async def venue(stage: Stage, page: Page) -> None:
    """A venue that is there."""
    shown = await stage.shop.api.good("GET", f"/v1/events/{stage.gala}")
    await open_signed_in(page, f"/organise/venues/{shown['venue']}")
    await expect(page.get_by_test_id("seat-map")).to_be_visible()


async def event_new(stage: Stage, page: Page) -> None:
    """A new event, half filled in."""
    await open_signed_in(page, "/organise/events/new")
    await page.get_by_test_id("event-name").fill("An Evening of Silent Films")
    await page.get_by_test_id("event-starts-at").fill("2035-06-01T20:00")
    await page.get_by_test_id("event-capacity").fill("120")


async def event_edit(stage: Stage, page: Page) -> None:
    """All that an event is set to."""
    await open_signed_in(page, f"/organise/events/{stage.gala}/edit")
    await page.locator("summary").first.click()
    await page.get_by_test_id("event-line").select_option("draw")
    await expect(page.get_by_test_id("event-image")).to_be_visible()


async def event_conflict(stage: Stage, page: Page) -> None:
    """Somebody else changed the same meanwhile."""
    api = stage.shop.api
    draft = await api.draft(None, capacity=40, name="A Walk by Night")
    await open_signed_in(page, f"/organise/events/{draft['id']}/edit")
    await page.get_by_test_id("event-name").fill("A Walk at Midnight")
    body = {"name": "A Walk in the Dark"}
    await api.good("PATCH", f"/v1/events/{draft['id']}", body, who=api.admin)
    await page.get_by_test_id("save-event").click()
    await expect(page.get_by_test_id("conflict")).to_be_visible()


async def event_publish(stage: Stage, page: Page) -> None:
    """What publishing asks."""
    draft = await stage.shop.api.draft(None, capacity=40, name="A Walk by Night")
    await open_signed_in(page, f"/organise/events/{draft['id']}/edit")
    await page.get_by_test_id("publish").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


STATES = (
    venue_new,
    venue_faults,
    venue_import,
    venue_editor,
    venue,
    event_new,
    event_edit,
    event_conflict,
    event_publish,
)
REFUSED = {"venue-faults": "422", "event-conflict": "412"}
"""What of them the server answers with 4xx, as it has to."""
