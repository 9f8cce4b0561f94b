"""Venues: imported with all faults told, made of numbers, changed, copied."""

import pytest
from playwright.async_api import expect

from tests.browser.organiser import (
    import_chart,
    map_of,
    open_signed_in,
    set_field,
    venue_made,
)
from tests.contract import charts

pytestmark = pytest.mark.campaign
NEW = "/organise/venues/new"


def faulty_chart():
    chart = charts.chart([charts.row("A", 4, 10.0), charts.row("B", 3, 25.0)])
    first, second = (row["seats"] for row in chart["subChart"]["rows"])
    first[1]["label"] = first[0]["label"]
    first[2]["categoryKey"] = 77
    second[0]["label"] = "?"
    second[2]["x"] = None
    return chart


async def test_all_faults_of_a_chart_are_told_and_then_it_is_imported(
    shop, page, trouble
):
    trouble.forgive("422")
    await open_signed_in(page, NEW)
    await import_chart(page, faulty_chart())
    faults = page.get_by_test_id("fault")
    await expect(faults).to_have_count(4)
    texts = await faults.all_inner_texts()
    assert [text.split("\n")[0] for text in texts] == [
        "Row A, seat 1",
        "Row A, seat 3",
        "Row B, seat #1",
        "Row B, seat 3",
    ]
    assert "A-1 is there twice" in texts[0]
    assert "77" in texts[1]
    await import_chart(page, charts.named_chart("small"))
    await expect(page.get_by_test_id("seat-map")).to_be_visible()
    await expect(faults).to_have_count(0)
    await page.get_by_test_id("take-chart").click()
    venue = await venue_made(page, "Imported <i>hall</i>")
    made = await map_of(shop.api, venue)
    body = {"chart": charts.named_chart("small")}
    shown = await shop.api.good("POST", "/v1/venues/preview", body, who=shop.api.admin)
    assert [one["label"] for one in made["seats"]] == [
        one["label"] for one in shown["seats"]
    ]
    assert made["areas"] == shown["areas"]
    await expect(page.get_by_text("Imported <i>hall</i>")).to_be_visible()


async def test_what_is_no_json_is_said(page):
    await open_signed_in(page, NEW)
    await import_chart(page, "<svg/>")
    told = page.get_by_role("alert").filter(has_text="This is no JSON")
    await expect(told).to_be_visible()


async def test_a_venue_is_made_of_numbers_and_an_event_sells_in_it(shop, page):
    await open_signed_in(page, NEW)
    await page.get_by_test_id("by-numbers").click()
    await page.get_by_test_id("add-rows").click()
    for name, value in {
        "section": "Stalls",
        "rows": "3",
        "seats": "10",
        "aisles": "5",
        "bend": "30",
    }.items():
        await set_field(page, 0, name, value)
    await page.get_by_test_id("add-tables").click()
    await set_field(page, 1, "tables", "2")
    await page.get_by_test_id("add-area").click()
    await set_field(page, 2, "capacity", "300")
    counts = page.get_by_test_id("counts")
    await expect(counts).to_have_attribute("data-seats", "46")
    # Each step can be undone, and a reload loses nothing.
    await page.get_by_test_id("undo").click()
    await page.get_by_test_id("undo").click()
    await expect(counts).to_have_attribute("data-areas", "0")
    await page.get_by_test_id("redo").click()
    await page.get_by_test_id("redo").click()
    await page.get_by_test_id("tool").select_option("accessible")
    await page.get_by_test_id("mark-seats").fill("Stalls-A-1, Stalls-A-2")
    await page.get_by_test_id("mark").click()
    await expect(counts).to_contain_text("2 for wheelchairs")
    await page.reload()
    await expect(counts).to_have_attribute("data-seats", "46")
    venue = await venue_made(page, "Made of numbers")
    made = await map_of(shop.api, venue)
    labels = [one["label"] for one in made["seats"]]
    assert len(labels) == 46
    assert {"Stalls-A-1", "Stalls-C-10", "T2-8"} <= set(labels)
    assert [one["label"] for one in made["seats"] if one["accessible"]] == [
        "Stalls-A-1",
        "Stalls-A-2",
    ]
    assert made["areas"][0]["capacity"] == 300
    assert made["focal_point"] is not None

    event = await shop.event(None, venue=venue, prices={})
    held = await shop.hold(event, seats=["Stalls-B-4", "T1-1"])
    assert sorted(held["seats"]) == ["Stalls-B-4", "T1-1"]


async def test_a_map_in_use_stays_and_its_copy_is_changed(shop, page, trouble):
    trouble.forgive("409")
    event = await shop.event(name="Holds the hall")
    venue = (await shop.api.good("GET", f"/v1/events/{event}"))["venue"]
    await open_signed_in(page, f"/organise/venues/{venue}")
    await page.get_by_test_id("change-map").click()
    await page.get_by_test_id("add-area").click()
    await page.get_by_test_id("save-venue").click()
    told = page.get_by_role("alert").filter(has_text="Events use this venue")
    await expect(told).to_be_visible()
    await page.get_by_test_id("copy-venue").click()
    await page.get_by_test_id("copy-venue-yes").click()
    await page.wait_for_url(lambda url: "ven_" in url and venue not in url)
    # The draft went along.
    await page.get_by_test_id("save-venue").click()
    await expect(page.get_by_test_id("change-map")).to_be_visible()
    copy = page.url.rpartition("/")[2]
    assert len((await map_of(shop.api, copy))["areas"]) == 2
    assert len((await map_of(shop.api, venue))["areas"]) == 1


@pytest.mark.parametrize("name", ["stadium", "floors", "tables"])
async def test_a_published_chart_goes_through_the_editor_as_it_is(shop, page, name):
    chart = charts.real_chart(name)
    body = {"chart": chart}
    shown = await shop.api.good("POST", "/v1/venues/preview", body, who=shop.api.admin)
    await open_signed_in(page, NEW)
    await import_chart(page, chart)
    await page.get_by_test_id("take-chart").click()
    # It is kept, large as it is.
    await page.reload()
    made = await map_of(shop.api, await venue_made(page, f"The {name}"))

    def of(document, key):
        rows = [{**one, "index": 0} for one in document[key]]
        return sorted(rows, key=lambda one: one["label"])

    for key in ("seats", "areas"):
        assert of(made, key) == of(shown, key)
    for key in ("focal_point", "section_focal_points", "drawing", "categories"):
        assert made.get(key) == shown.get(key), key


async def test_what_somebody_else_told_of_a_venue_is_not_lost_unseen(
    shop, page, trouble
):
    trouble.forgive("412")
    body = {"name": "Two hands", "chart": charts.named_chart("twenty")}
    made = await shop.api.good("POST", "/v1/venues", body, who=shop.api.admin)
    path = f"/v1/venues/{made['id']}"
    await open_signed_in(page, f"/organise/venues/{made['id']}")
    await page.get_by_test_id("venue-name").fill("Mine")
    body = {"name": "Theirs", "address": "Elsewhere 1"}
    await shop.api.good("PATCH", path, body, who=shop.api.admin)
    await page.get_by_test_id("venue-name").press("Tab")
    await page.get_by_test_id("save-about").click()
    told = page.get_by_role("alert").filter(has_text="Somebody else changed")
    await expect(told).to_contain_text("Theirs")
    assert (await shop.api.good("GET", path))["name"] == "Theirs"
    await page.get_by_test_id("save-about").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    after = await shop.api.good("GET", path)
    # What only they changed is kept.
    assert (after["name"], after["address"]) == ("Mine", "Elsewhere 1")


async def test_a_map_takes_the_place_of_another_only_once_that_was_seen(
    shop, page, trouble
):
    trouble.forgive("412")
    body = {"name": "Redrawn", "chart": charts.named_chart("twenty")}
    made = await shop.api.good("POST", "/v1/venues", body, who=shop.api.admin)
    path = f"/v1/venues/{made['id']}"
    await open_signed_in(page, f"/organise/venues/{made['id']}")
    await page.get_by_test_id("change-map").click()
    await page.get_by_test_id("add-area").click()
    body = {"chart": charts.named_chart("ramp")}
    await shop.api.good("PATCH", path, body, who=shop.api.admin)
    await page.get_by_test_id("save-venue").click()
    told = page.get_by_role("alert").filter(has_text="Somebody else changed")
    await expect(told).to_be_visible()
    assert len((await map_of(shop.api, made["id"]))["seats"]) == 12
    await page.get_by_test_id("save-venue").click()
    await expect(page.get_by_test_id("change-map")).to_be_visible()
    after = await map_of(shop.api, made["id"])
    assert (len(after["seats"]), len(after["areas"])) == (20, 1)
