"""Events: made, changed, published, copied, and what may not change any more."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.organiser import open_signed_in
from tests.browser.stage import poster
from tests.contract.client import after

pytestmark = pytest.mark.campaign
AWAY = "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket"


def field(page, name):
    return page.get_by_test_id(f"event-{name}")


def price(page, category):
    return page.locator(f'[data-testid="event-price"][data-category="{category}"]')


async def draft_of(shop, **fields):
    return (await shop.api.draft("small", **fields))["id"]


async def open_event(page, event):
    await open_signed_in(page, f"/organise/events/{event}/edit")
    await expect(field(page, "name")).to_be_visible()


async def save(page):
    await page.get_by_test_id("save-event").click()


async def saved(page):
    await save(page)
    await expect(page.get_by_test_id("event-saved")).to_have_text("Saved.")


async def shown(shop, event):
    return await shop.api.good("GET", f"/v1/events/{event}", who=shop.api.admin)


async def test_all_that_is_set_is_saved_and_nothing_else_changes(shop, page):
    event = await draft_of(shop, timezone="Europe/Berlin")
    before = await shown(shop, event)
    await open_event(page, event)
    await field(page, "name").fill("An <b>evening</b>")
    await field(page, "tags").fill("Jazz, open air")
    await field(page, "on-sale-at").fill("2034-01-02T10:00")
    await field(page, "starts-at").fill("2034-07-01T20:30")
    await price(page, "1").fill("12,5")
    await page.locator("summary", has_text="Fees and tax").click()
    await field(page, "fee-ticket").fill("1.20")
    await field(page, "tax-percent").fill("19")
    await field(page, "tax-name").fill("VAT 19 %")
    await page.get_by_test_id("add-type").click()
    kind = page.get_by_test_id("event-type")
    await kind.locator('[data-field="name"]').fill("Children")
    await kind.locator('[data-field="most"]').fill("4")
    await field(page, "max-per-booking").fill("6")
    await field(page, "line").select_option("draw")
    await field(page, "line-opens").fill("2034-01-02T10:00")
    await field(page, "line-bits").fill("16")
    await saved(page)

    told = await shown(shop, event)
    assert told["name"] == "An <b>evening</b>"
    assert told["tags"] == ["jazz", "open air"]
    assert told["on_sale_at"] == "2034-01-02T09:00:00Z"
    assert told["starts_at"] == "2034-07-01T18:30:00Z"
    assert told["prices"]["1"]["amount"] == 1250
    assert told["fees"]["per_ticket"] == 120
    assert (told["tax"]["ppm"], told["tax"]["name"]) == (190_000, "VAT 19 %")
    (kind,) = told["types"].values()
    assert (kind["name"], kind["max_per_order"]) == ("Children", 4)
    assert told["max_per_booking"] == 6
    assert told["line"]["opens_at"] == "2034-01-02T09:00:00Z"
    assert (told["line"]["mode"], told["line"]["gate"]["bits"]) == ("draw", 16)
    for name in ("description", "payment", "hold_ttl_s", "waitlist", "late"):
        assert told[name] == before[name], name


async def test_what_is_wrong_is_told_by_its_field_and_nothing_is_lost(
    shop, page, trouble
):
    trouble.forgive("422")
    event = await draft_of(shop)
    await open_event(page, event)
    await field(page, "ends-at").fill("2020-01-01T10:00")
    await price(page, "1").fill("much")
    await save(page)
    wrong = page.get_by_test_id("wrong-field")
    await expect(wrong).to_have_attribute("data-field", "prices.1")
    await expect(wrong).to_contain_text("Prices: Stalls")
    await price(page, "1").fill("45")
    await save(page)
    await expect(wrong).to_have_attribute("data-field", "ends_at")
    await expect(wrong).to_contain_text("It ends before it begins")
    await page.reload()
    await expect(field(page, "ends-at")).to_have_value("2020-01-01T10:00")


async def test_what_somebody_else_changed_is_shown_and_ones_own_is_kept(
    shop, page, trouble
):
    trouble.forgive("412")
    event = await draft_of(shop, name="First", description="Old words")
    await open_event(page, event)
    await field(page, "name").fill("Mine")
    await field(page, "tags").fill("mine")
    theirs = {"name": "Theirs", "description": "New words"}
    path = f"/v1/events/{event}"
    await shop.api.good("PATCH", path, theirs, who=shop.api.admin)
    await save(page)
    conflict = page.get_by_test_id("conflict")
    await expect(conflict).to_contain_text("Theirs: Theirs")
    await expect(conflict).to_contain_text("Yours: Mine")
    # What only they changed is not asked about.
    await expect(conflict.locator("li")).to_have_count(1)
    await expect(field(page, "description")).to_have_value("New words")
    await expect(field(page, "name")).to_have_value("Mine")
    assert (await shown(shop, event))["name"] == "Theirs"
    await page.get_by_test_id("take-theirs").click()
    await expect(field(page, "name")).to_have_value("Theirs")
    await expect(conflict).to_have_count(0)
    await saved(page)
    told = await shown(shop, event)
    assert [told[name] for name in ("name", "description", "tags")] == [
        "Theirs",
        "New words",
        ["mine"],
    ]


async def test_what_may_not_change_any_more_says_why(shop, page, trouble):
    trouble.forgive("409")
    event = await shop.event()
    await shop.hold(event, seats=["A-1"])
    await open_event(page, event)
    await field(page, "currency").fill("USD")
    await save(page)
    told = page.get_by_role("alert").filter(has_text="so the currency stays")
    await expect(told).to_be_visible()

    tour = await shop.event(None, capacity=5)
    await shop.hold(tour, areas={"GA": 3})
    await page.goto(f"/organise/events/{tour}/edit")
    await field(page, "capacity").fill("2")
    await save(page)
    told = page.get_by_role("alert").filter(has_text="3 places are held")
    await expect(told).to_be_visible()

    await shop.api.change(tour, "cancel")
    await page.reload()
    await field(page, "capacity").fill("9")
    await save(page)
    told = page.get_by_role("alert").filter(has_text="The event is cancelled")
    await expect(told).to_be_visible()


async def test_an_event_has_a_picture_and_a_copy_on_another_evening(shop, page):
    event = await draft_of(shop, name="Twice", timezone="Europe/Berlin")
    await open_event(page, event)
    picture = {"name": "poster.png", "mimeType": "image/png", "buffer": poster(1)}
    await page.get_by_test_id("image-file").set_input_files(picture)
    await page.get_by_test_id("image-send").click()
    await expect(page.get_by_test_id("event-image")).to_be_visible()
    # Its own revision is the page's by then.
    await field(page, "name").fill("Twice!")
    await saved(page)
    await page.get_by_test_id("duplicate").click()
    await page.get_by_test_id("duplicate-starts").fill("2036-12-24T18:00")
    await page.get_by_test_id("duplicate-yes").click()
    await page.wait_for_url(
        lambda url: "/edit" in url and "evt_" in url and event not in url
    )
    copy = page.url.split("/")[-2]
    told = await shown(shop, copy)
    assert (told["name"], told["status"]) == ("Twice!", "draft")
    assert told["starts_at"] == "2036-12-24T17:00:00Z"


async def test_the_server_dies_while_an_event_is_made_and_published(
    shop, page, trouble
):
    trouble.forgive(AWAY)
    await open_signed_in(page, "/organise/events/new")
    await field(page, "name").fill("Made once")
    await field(page, "capacity").fill("40")
    await field(page, "starts-at").fill("2035-06-01T20:00")
    await price(page, "GA").fill("12")

    # The answer is lost, though the event is made.
    async def lose(route):
        await route.fetch()
        await route.abort()

    await page.route("**/v1/events", lose, times=1)
    trouble.forgive("ERR_FAILED")
    await page.get_by_test_id("make-event").click()
    unreachable = page.get_by_role("alert").filter(has_text=re.compile("reached"))
    await expect(unreachable).to_be_visible()
    await shop.restart()
    await page.reload()
    await expect(field(page, "name")).to_have_value("Made once")
    await page.get_by_test_id("make-event").click()
    await page.wait_for_url("**/organise/events/evt_*/edit")
    event = page.url.split("/")[-2]
    await expect(page.get_by_test_id("publish")).to_be_visible()

    await shop.kill()
    await page.get_by_test_id("publish").click()
    await page.get_by_test_id("publish-yes").click()
    await expect(unreachable).to_be_visible()
    await shop.start()
    await page.get_by_test_id("publish-yes").click()
    await expect(page.get_by_test_id("said")).to_contain_text("on sale")
    listed = await shop.api.good("GET", "/v1/events?q=Made+once")
    assert [one["id"] for one in listed["items"]] == [event]


async def test_what_hinders_publishing_is_told_in_the_question(shop, page, trouble):
    trouble.forgive("409|422")
    event = await draft_of(shop, prices={}, on_sale_at=after(days=1))
    path = f"/v1/events/{event}"
    some = {"prices": {"1": {"amount": 100, "currency": "EUR"}}}
    await shop.api.good("PATCH", path, some, who=shop.api.admin)
    await open_event(page, event)
    await page.get_by_test_id("publish").click()
    await expect(page.get_by_role("dialog")).to_contain_text("opens by itself")
    await page.get_by_test_id("publish-yes").click()
    wrong = page.get_by_role("dialog").get_by_test_id("wrong-field")
    await expect(wrong).to_contain_text("It needs a price")
    await expect(wrong).to_contain_text("Balcony")
    assert (await shown(shop, event))["status"] == "draft"
