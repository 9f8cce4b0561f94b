"""Every page in each of its states, for photographs, for axe, and for the eye."""

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page, expect

from tests.browser import views_organise
from tests.browser.line import held_by_another, lined
from tests.browser.stage import CODE, PRICES, SEATS, Stage
from tests.browser.steps import (
    EMAIL,
    GATEWAY,
    NAME,
    check_out,
    expect_confirmed,
    pay,
    scan,
    sign_in_at_the_door,
)
from tests.browser.views_cockpit import COCKPIT
from tests.browser.views_office import OFFICE
from tests.browser.views_team import TEAM_VIEWS
from tests.contract.client import after
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

LINED = "A Fair Evening"
View = Callable[[Stage, Page], Awaitable[None]]


async def events(stage: Stage, page: Page) -> None:
    """The list of all events."""
    await page.goto("/")
    await page.get_by_test_id("event-card").nth(2).wait_for()


async def nothing_found(stage: Stage, page: Page) -> None:
    """The list, of which a search leaves nothing."""
    await events(stage, page)
    await page.get_by_role("searchbox").fill("Ragnarök")
    await page.get_by_role("searchbox").press("Enter")
    await expect(page.get_by_test_id("event-card")).to_have_count(0)


async def event(stage: Stage, page: Page) -> None:
    """An event with a map, half sold."""
    await page.goto(f"/events/{stage.gala}")
    await expect(page.get_by_test_id("seat-map")).to_be_visible()
    await expect(page.get_by_test_id("best-available")).to_be_enabled()


async def event_without_seats(stage: Stage, page: Page) -> None:
    """One that has places and no map."""
    await page.goto(f"/events/{stage.tour}")
    await expect(page.get_by_test_id("quantity")).to_be_visible()


async def event_not_open(stage: Stage, page: Page) -> None:
    """One that is not on sale yet."""
    await page.goto(f"/events/{stage.later}")
    await expect(page.get_by_test_id("opens")).to_be_visible()


async def no_such_event(stage: Stage, page: Page) -> None:
    """An address that leads nowhere."""
    await page.goto(f"/events/evt_{'x' * 22}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


async def hold(stage: Stage, page: Page) -> None:
    """Three seats are held."""
    await event(stage, page)
    await page.get_by_test_id("quantity").fill("3")
    await page.get_by_test_id("best-available").click()
    await expect(page.get_by_test_id("hold-countdown")).to_be_visible()


async def checkout(stage: Stage, page: Page) -> None:
    """The buyer's data, and what it costs."""
    await hold(stage, page)
    await page.get_by_test_id("checkout").click()
    await page.get_by_test_id("buyer-email").fill(EMAIL)
    await page.get_by_test_id("buyer-name").fill(NAME)
    await expect(page.get_by_test_id("pay")).to_be_enabled()


async def checkout_with_code(stage: Stage, page: Page) -> None:
    """A code and a reduced ticket, and what they come to."""
    await checkout(stage, page)
    await page.get_by_test_id("code-open").click()
    await page.get_by_test_id("code-input").fill(CODE)
    await page.get_by_test_id("code-apply").click()
    await expect(page.get_by_test_id("code")).to_be_visible()
    await page.locator(".briefly > summary").click()
    await page.locator("select.type").first.select_option("reduced")
    await expect(page.get_by_test_id("quote-discount")).to_be_visible()


async def gateway(stage: Stage, page: Page) -> None:
    """The test gateway."""
    await hold(stage, page)
    await check_out(page)


async def order_to_pay(stage: Stage, page: Page) -> None:
    """An order that waits for its payment."""
    await gateway(stage, page)
    await page.get_by_test_id("gateway-back").click()
    await expect(page.get_by_test_id("pay")).to_be_visible()


async def order(stage: Stage, page: Page) -> None:
    """An order with its tickets."""
    await gateway(stage, page)
    await pay(page)
    await expect_confirmed(page)


async def giving_back(stage: Stage, page: Page) -> None:
    """Which places go back, and what comes back for them."""
    await order(stage, page)
    await page.get_by_test_id("give-back").click()
    await page.get_by_role("checkbox").first.check()
    await expect(page.get_by_test_id("comes-back")).to_have_attribute(
        "data-known", "yes"
    )


async def order_in_part(stage: Stage, page: Page) -> None:
    """An order of which a part went back."""
    await giving_back(stage, page)
    await page.get_by_test_id("give-back-yes").click()
    refund = page.get_by_test_id("refund")
    await expect(refund).to_have_attribute("data-state", "settled")
    # A ticket that is given back is not shown as one that is on its way.
    await expect(page.locator(".bill tr.gone")).to_have_count(1)


async def order_elsewhere(stage: Stage, page: Page) -> None:
    """The same to a browser that is nobody to it."""
    await page.goto(f"/orders/ord_{'x' * 22}")
    await expect(page.get_by_test_id("sign-in")).to_be_visible()


async def ticket(stage: Stage, page: Page) -> None:
    """One ticket."""
    await order(stage, page)
    await page.get_by_test_id("ticket-number").first.click()
    await page.wait_for_url("**/tickets/**")
    await expect(page.get_by_test_id("ticket-qr")).to_be_visible()


async def ticket_offered(stage: Stage, page: Page) -> None:
    """A ticket on its way to somebody else."""
    await ticket(stage, page)
    await page.get_by_test_id("pass-on").click()
    await page.get_by_test_id("pass-on-email").fill("friend@example.org")
    await page.get_by_test_id("pass-on-send").click()
    await expect(page.get_by_test_id("offered-to")).to_be_visible()


async def ticket_for_somebody(stage: Stage, page: Page) -> None:
    """What the link of such a mail leads to."""
    await page.goto("/account#ticket=tkt_some.code")
    await expect(page.get_by_test_id("take-ticket-guest")).to_be_visible()
    await expect(page.get_by_test_id("sign-in-submit")).to_be_visible()


async def account(stage: Stage, page: Page) -> None:
    """The account of somebody who is nobody yet."""
    await page.goto("/account")
    await expect(page.get_by_test_id("sign-in-submit")).to_be_visible()


async def account_signed_in(stage: Stage, page: Page) -> None:
    """An account with what is told of an order, and of another of a guest."""
    await order_in_part(stage, page)
    await page.goto("/account")
    await page.get_by_test_id("email").fill(stage.email)
    await page.get_by_test_id("password").fill(stage.password)
    await page.get_by_test_id("sign-in-submit").click()
    await expect(page.get_by_test_id("me")).to_be_visible()
    await expect(page.get_by_test_id("notice").first).to_be_visible()


async def promotions(stage: Stage, page: Page) -> None:
    """What codes brought, for who runs the event."""
    await checkout_with_code(stage, page)
    await page.get_by_test_id("pay").click()
    await page.wait_for_url(GATEWAY)
    await pay(page)
    await page.goto(f"/organise/events/{stage.gala}/promotions")
    await page.get_by_test_id("email").fill(ADMIN_EMAIL)
    await page.get_by_test_id("password").fill(ADMIN_PASSWORD)
    await page.get_by_test_id("sign-in-submit").click()
    await page.get_by_test_id("show-codes").click()
    await expect(page.get_by_test_id("code-numbers").first).to_be_visible()


async def _lined(stage: Stage, **fields: Any) -> str:
    venue = await stage.shop.arena(SEATS)
    return await lined(
        stage.shop, None, venue=venue, prices=PRICES, name=LINED, **fields
    )


async def line_before(stage: Stage, page: Page) -> None:
    """A line that gathers, before one has joined."""
    opens_at = after(days=2)
    terms = {"mode": "draw", "opens_at": opens_at, "beacon": None}
    event = await _lined(stage, line=terms, on_sale_at=opens_at)
    await page.goto(f"/events/{event}")
    await expect(page.get_by_test_id("join-line")).to_be_visible()


async def line_gathering(stage: Stage, page: Page) -> None:
    """Somebody is on the list, and looks at what was promised."""
    await line_before(stage, page)
    await page.get_by_test_id("line-wish").check()
    await page.get_by_test_id("wish-category").select_option("premium")
    await page.get_by_test_id("wish-more").click()
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("line-joined")).to_be_visible()
    await page.locator(".fair > summary").click()


async def line_waiting(stage: Stage, page: Page) -> None:
    """A place in a line, of which others are before."""
    shop = stage.shop
    event = await _lined(stage)
    await shop.api.good("POST", f"/v1/events/{event}/line/pause", who=shop.api.admin)
    path, body = f"/v1/events/{event}/line/entries", {"wish": {"quantity": 2}}
    for _ in range(3):
        await shop.api.good("POST", path, body, who=await shop.api.guest())
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("line-wish").check()
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("line-ahead")).to_have_attribute("data-ahead", "3")


async def line_turn(stage: Stage, page: Page) -> None:
    """One's turn, to choose in."""
    event = await _lined(stage)
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("join-line").click()
    await expect(page.get_by_test_id("turn-countdown")).to_be_visible()


async def waitlist(stage: Stage, page: Page) -> None:
    """Nothing is free, and somebody may wait for it."""
    event, _, _ = await held_by_another(stage.shop, name=LINED)
    await page.goto(f"/events/{event}")
    await expect(page.get_by_test_id("join-waitlist")).to_be_visible()


async def waitlist_offer(stage: Stage, page: Page) -> None:
    """What somebody gave back is held for who waited."""
    event, other, hold = await held_by_another(stage.shop, name=LINED)
    await page.goto(f"/events/{event}")
    await page.get_by_test_id("join-waitlist").click()
    await expect(page.get_by_test_id("waitlist-rank")).to_be_visible()
    await stage.shop.api.ok(event, other, "release", hold=hold)
    await expect(page.get_by_test_id("hold-countdown")).to_be_visible()


async def door(stage: Stage, page: Page) -> None:
    """Check-in, before anybody signed in."""
    await page.goto(f"/checkin/{stage.gala}")
    await expect(page.get_by_test_id("sign-in-submit")).to_be_visible()


async def door_ready(stage: Stage, page: Page) -> None:
    """Check-in that waits for a ticket."""
    await sign_in_at_the_door(page, stage.gala)
    await expect(page.get_by_test_id("counts")).to_be_visible()


async def door_green(stage: Stage, page: Page) -> None:
    """Somebody is let in."""
    await sign_in_at_the_door(page, stage.gala)
    await scan(page, await stage.new_code(), "ok")


async def door_again(stage: Stage, page: Page) -> None:
    """Somebody is in already."""
    code = await stage.new_code()
    await sign_in_at_the_door(page, stage.gala)
    await scan(page, code, "ok")
    await scan(page, code, "already_in")


async def door_red(stage: Stage, page: Page) -> None:
    """This is no ticket."""
    await sign_in_at_the_door(page, stage.gala)
    await scan(page, "HTTPS://EXAMPLE.ORG/POSTER", "bad_signature")


VIEWS: dict[str, View] = {
    one.__name__.replace("_", "-"): one
    for one in (
        events,
        nothing_found,
        event,
        event_without_seats,
        event_not_open,
        no_such_event,
        hold,
        checkout,
        checkout_with_code,
        gateway,
        order_to_pay,
        order,
        giving_back,
        order_in_part,
        order_elsewhere,
        ticket,
        ticket_offered,
        ticket_for_somebody,
        account,
        account_signed_in,
        promotions,
        *COCKPIT,
        *OFFICE,
        *views_organise.STATES,
        *TEAM_VIEWS,
        line_before,
        line_gathering,
        line_waiting,
        line_turn,
        waitlist,
        waitlist_offer,
        door,
        door_ready,
        door_green,
        door_again,
        door_red,
    )
}
MISSING = {
    "no-such-event": "404",
    "order-elsewhere": "404",
    **views_organise.REFUSED,
}
"""What of them the server answers with 4xx, as it has to."""
