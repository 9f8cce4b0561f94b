"""What else may happen to who buys: opening, limits, time, tabs, signing in."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import PHONE
from tests.browser.steps import choose, holds, open_event, seat
from tests.browser.test_figures import PRICES as ARENA_PRICES
from tests.browser.until import until
from tests.contract.client import Person, after
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.campaign

ENTRANCE = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}


async def refused(page: Page, words: str) -> None:
    """Wait until the panel says why not."""
    await expect(page.locator(".trouble")).to_contain_text(words)


async def test_a_sale_opens_pauses_and_goes_on_by_itself(shop, page):
    event = await shop.event(on_sale_at=after(seconds=6))
    await open_event(page, event)
    await expect(page.get_by_test_id("opens")).to_contain_text("The sale opens")
    await expect(page.get_by_test_id("best-available")).to_have_count(0)
    await page.get_by_test_id("best-available").wait_for()
    await expect(page.get_by_test_id("opens")).to_have_count(0)
    await choose(page, "A-1")
    await shop.api.change(event, "pause")
    paused = page.get_by_text("The sale is paused for the moment.")
    await expect(paused).to_be_visible()
    await holds(page, "A-1")
    await shop.api.change(event, "resume")
    await expect(paused).to_be_hidden()
    await page.get_by_test_id("release").click()
    await shop.api.change(event, "close")
    await expect(page.get_by_text("The sale is closed.")).to_be_visible()


async def test_each_limit_is_told_with_what_to_do(shop, page):
    event = await shop.event(max_per_booking=2, max_per_user=2, prevent_orphans=True)
    await open_event(page, event)
    await page.get_by_test_id("quantity").fill("2")
    await page.get_by_test_id("best-available").click()
    await holds(page)
    await page.get_by_test_id("best-available").click()
    await refused(page, "at most")
    await page.get_by_test_id("release").click()
    await expect(page.locator(".trouble")).to_have_count(0)
    await seat(page, "B-2").click()
    await refused(page, "leave a single seat alone (B-1)")


async def test_time_that_runs_out_is_told_before_and_after(shop, page):
    event = await shop.event(hold_ttl_s=8)
    await open_event(page, event)
    await choose(page, "A-1")
    await expect(page.get_by_text("Your time is nearly over.")).to_be_visible()
    clock = page.get_by_test_id("hold-countdown")
    await expect(clock).to_have_text("0:04")
    await page.get_by_role("button", name="More time").click()
    await expect(clock).to_have_text("0:08")
    await refused(page, "Your time was over")
    assert set((await shop.api.letters(event)).values()) == {"f"}
    await expect(clock).to_have_count(0)


async def test_two_tabs_are_one_visitor(shop, page):
    event = await shop.event(paid=True)
    await open_event(page, event)
    await choose(page, "A-1")
    other = await page.context.new_page()
    await open_event(other, event)
    await holds(other, "A-1")
    await seat(other, "A-2").click()
    await holds(page, "A-1", "A-2")
    await page.get_by_test_id("release").click()
    await expect(other.get_by_test_id("hold-countdown")).to_have_count(0)
    await choose(other, "B-1")
    await holds(page, "B-1")
    await other.get_by_test_id("checkout").click()
    await other.get_by_test_id("pay").click()
    await other.get_by_test_id("gateway-pay").wait_for()
    # The first tab has no hold to order any more, but is led to the order.
    await expect(page.get_by_test_id("checkout")).to_have_count(0)
    await page.get_by_role("link", name="Show the order").click()
    await expect(page.get_by_test_id("order-status")).to_be_visible()


async def test_two_tabs_that_were_open_before_are_one_visitor_as_well(shop, page):
    event = await shop.event()
    other = await page.context.new_page()
    for one in (page, other):
        await open_event(one, event)
        await expect(one.get_by_test_id("connecting")).to_have_count(0)
    await choose(page, "A-1")
    await holds(other, "A-1")
    await choose(other, "A-2")
    await holds(page, "A-1", "A-2")
    await page.reload()
    await holds(page, "A-1", "A-2")


async def test_two_holds_at_once_are_both_told(shop, page):
    event = await shop.event()
    await open_event(page, event)
    await choose(page, "A-1")
    # As a second tab makes one that began before it heard of the first.
    token = await page.evaluate(
        "JSON.parse(localStorage.getItem('onsale.visitor')).token"
    )
    me = Person("", "guest", token)
    await shop.hold(event, me, seats=["B-1", "B-2"])
    await page.reload()
    told = page.locator(".note", has_text="You hold other places")
    await expect(told).to_contain_text("B-1, B-2")
    await holds(page, "A-1")
    await told.get_by_role("button", name="Go on with them").click()
    await holds(page, "B-1", "B-2")
    await expect(told).to_contain_text("A-1")
    await told.get_by_role("button", name="Give them back").click()
    await expect(told).to_have_count(0)
    letters = await shop.api.letters(event)
    assert [letters[one] for one in ("A-1", "B-1", "B-2")] == [*"fhh"]


async def test_who_signs_in_at_the_checkout_takes_the_places_along(shop, page, trouble):
    event = await shop.event()
    await open_event(page, event)
    await choose(page, "A-1", "A-2")
    await page.get_by_test_id("checkout").click()
    await page.get_by_test_id("sign-in").click()
    await page.get_by_test_id("email").fill(ENTRANCE["email"])
    await page.get_by_test_id("password").fill("wrong, quite wrong")
    trouble.forgive("401")
    await page.get_by_test_id("sign-in-submit").click()
    await expect(page.get_by_text("do not fit")).to_be_visible()
    await page.get_by_test_id("password").fill(ENTRANCE["password"])
    await page.get_by_test_id("sign-in-submit").click()
    me = await shop.api.good("GET", "/v1/me", who=shop.api.admin)
    await expect(page.get_by_test_id("buyer-email")).to_have_value(me["email"])
    await expect(page.get_by_test_id("buyer-name")).to_have_value(me["name"] or "")
    signed_in = page.get_by_text("You are signed in.")
    await expect(signed_in).to_contain_text(me["name"] or "")

    async def is_the_accounts():
        async with await shop.socket(shop.api.admin) as socket:
            held = (await socket.ok("holding", event=event))["holds"]
        return any(sorted(one["seats"]) == ["A-1", "A-2"] for one in held)

    await until(is_the_accounts)
    await page.get_by_test_id("pay").click()
    await expect(page.get_by_test_id("order-status")).to_be_visible()
    orders = await shop.api.good("GET", "/v1/orders", who=shop.api.admin)
    assert orders["items"][0]["event"]["id"] == event


async def test_places_without_numbers_are_counted(shop, open_page):
    page = await open_page(viewport=PHONE)
    event = await shop.event(None, capacity=5, prices={})
    await page.goto(f"/events/{event}")
    await expect(page.get_by_test_id("seat-map")).to_have_count(0)
    await page.get_by_test_id("quantity").fill("3")
    await page.get_by_test_id("best-available").click()
    await holds(page, "General admission")
    await expect(page.get_by_test_id("hold-total")).to_have_text("free of charge")
    await page.get_by_role("button", name="Give back General admission").first.click()
    rows = page.get_by_test_id("hold-seats").locator("li")
    await expect(rows).to_have_count(2)
    # Who goes by keys is still there.
    assert await page.evaluate("document.activeElement !== document.body")
    await page.get_by_test_id("checkout").click()
    await page.get_by_test_id("buyer-name").fill("Zoë")
    await page.get_by_test_id("pay").click()
    await expect(page.get_by_test_id("order-status")).to_be_visible()


async def test_areas_beside_seats_have_steppers(shop, page):
    event = await shop.event()
    await open_event(page, event)
    more = page.get_by_role("button", name="One more of GA1")
    await more.click()
    await more.click()
    await holds(page, "GA1")
    rows = page.get_by_test_id("hold-seats").locator("li")
    await expect(rows).to_have_count(2)
    await page.get_by_role("button", name="One fewer of GA1").click()
    await expect(rows).to_have_count(1)
    await expect(page.get_by_test_id("hold-total")).to_have_text("€30.00")


async def few_on_a_page(route: Route) -> None:
    """Have lists come in pages of two."""
    await route.continue_(url=route.request.url.replace("limit=60", "limit=2"))


async def test_the_list_is_searched_filtered_and_never_empty_of_words(shop, page):
    # Pages of two, so that a few events are several.
    await page.route("**/v1/events?*", few_on_a_page)
    for n in range(3):
        await shop.event(None, capacity=5, name=f"Matinee {n}", category="Tour")
    await shop.event(None, capacity=5, name="Soiree", category="Gala", prices={})
    cards = page.get_by_test_id("event-card")
    await page.goto("/?q=matinee")
    await expect(cards).to_have_count(2)
    await page.get_by_role("button", name="Show more").click()
    await expect(cards).to_have_count(3)
    await expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    await page.get_by_label("Search").fill("soir")
    await expect(cards).to_have_count(1)
    await expect(cards).to_contain_text("free of charge")
    await cards.click()
    await page.get_by_test_id("quantity").wait_for()
    await page.go_back()
    # Going back finds what was looked for.
    await expect(page.get_by_label("Search")).to_have_value("soir")
    await expect(cards).to_have_count(1)
    await page.get_by_label("Search").fill("no such thing")
    await expect(page.get_by_text("Nothing fits that")).to_be_visible()
    await page.get_by_role("button", name="Show all events").click()
    await expect(cards).to_have_count(2)
    await page.get_by_label("Search").fill("matinee")
    await expect(cards.filter(has_text="Matinee")).to_have_count(2)
    await page.get_by_label("Tickets").select_option("Free of charge")
    await expect(cards).to_have_count(0)
    await page.get_by_label("Search").fill("soiree")
    await expect(cards.filter(has_text="Soiree")).to_have_count(1)


async def test_an_event_that_is_not_there_is_told_with_a_way_on(shop, page, trouble):
    trouble.forgive("404")
    await page.goto("/events/evt_none")
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "There is no such event"
    )
    await page.get_by_role("link", name="To all events").click()
    await page.wait_for_url("**/")


async def test_what_is_read_first_is_read_once(shop, page):
    event = await shop.event()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await open_event(page, event)
    await seat(page, "A-1").wait_for()
    path = f"{shop.url}/v1/events/{event}"
    for one in (path, f"{path}/map", f"{path}/availability"):
        assert asked.count(one) == 1, asked


async def test_another_choice_is_taken_where_the_first_is_gone(shop, page):
    event = await shop.event()
    seats = (await shop.api.map(event))["seats"]
    balcony = [one["label"] for one in seats if one["category"] == "2"]
    stalls = [one["label"] for one in seats if one["category"] == "1"]
    await shop.hold(event, seats=balcony[:-1])
    await open_event(page, event)
    await page.get_by_test_id("category").select_option("c 2")
    await page.get_by_test_id("add-otherwise").click()
    other = page.get_by_test_id("otherwise")
    await other.select_option("c 1")
    await page.get_by_role("button", name="Remove this choice").click()
    await expect(other).to_have_count(0)
    await page.get_by_test_id("best-available").click()
    await refused(page, "Only 1 place of that kind")
    await page.get_by_test_id("add-otherwise").click()
    await other.select_option("c 1")
    await page.get_by_test_id("best-available").click()
    await holds(page)
    await expect(page.get_by_test_id("taken")).to_contain_text("You have: Stalls")
    letters = await shop.api.letters(event)
    assert [letters[one] for one in stalls].count("h") == 2
    assert letters[balcony[-1]] == "f"


async def test_a_wheelchair_place_comes_with_a_companions_seat(shop, page):
    event = await shop.event(None, venue=await shop.arena(2_000), prices=ARENA_PRICES)
    special = {
        one["label"]: one
        for one in (await shop.api.map(event))["seats"]
        if one["accessible"] or one["companion"]
    }
    await open_event(page, event)
    await page.get_by_label("Wheelchair places").check()
    await page.get_by_label("With a companion beside it").check()
    await expect(page.get_by_test_id("quantity")).to_be_disabled()
    await page.get_by_test_id("best-available").click()
    await holds(page)
    letters = await shop.api.letters(event)
    one, other = (special[label] for label in letters if letters[label] == "h")
    assert {one["accessible"], other["accessible"]} == {True, False}
    assert {one["companion"], other["companion"]} == {True, False}
    assert one["row"] == other["row"]
    assert one["section"] == other["section"]
    assert abs(one["index"] - other["index"]) == 1


async def test_a_page_that_is_part_of_an_app_has_no_head_of_its_own(shop, page):
    event = await shop.event()
    await page.goto(f"/events/{event}?embed=1")
    await seat(page, "A-1").wait_for()
    await expect(page.get_by_role("banner")).to_have_count(0)
    await expect(page.get_by_role("contentinfo")).to_have_count(0)
    # Where a payment leads back to, nobody asks for it.
    await page.goto("/account")
    await page.get_by_role("heading", level=1).wait_for()
    await expect(page.get_by_role("banner")).to_have_count(0)
    await page.goto("/?embed=0")
    await expect(page.get_by_role("banner")).to_be_visible()
