"""The pages of administrators: each act is asked once, and says what it did."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.conftest import shop_at
from tests.browser.team import PASSWORD, do, enter, part
from tests.cluster.conftest import RedisServer
from tests.post_office import OK

pytestmark = pytest.mark.campaign


async def test_an_account_is_signed_out_suspended_and_let_in_again(shop, page):
    email = "trouble@example.org"
    body = {"email": email, "password": PASSWORD, "name": "Trouble <b>Maker</b>"}
    made = await shop.api.good("POST", "/v1/auth/register", body)
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    await enter(page, "/admin/users")
    await page.get_by_label("Name or address").fill("trouble maker")
    await page.get_by_role("button", name="Search").click()
    users = part(page, "users")
    await expect(page.get_by_test_id("user")).to_have_count(1)
    await do(page, users, "user-sign-out")
    await expect(users).to_contain_text(f"{email} is signed out everywhere")
    assert (await shop.api.request("GET", "/v1/me", headers=headers)).status == 401
    await users.get_by_test_id("user-suspend").click()
    await page.get_by_label("Why").fill("Sold what was not theirs.")
    await page.get_by_test_id("user-suspend-yes").click()
    await expect(page.get_by_test_id("user")).to_contain_text("not theirs")
    assert (await shop.api.login(email, PASSWORD)).status == 403
    await do(page, users, "user-let-in")
    await expect(users).to_contain_text("may sign in again")
    assert (await shop.api.login(email, PASSWORD)).status == 200


async def test_the_server_is_shown_a_job_runs_and_caches_are_cleared(shop, page):
    event = await shop.event()
    await shop.hold(event, seats=["A-1"])
    await enter(page, "/admin")
    await expect(page.get_by_test_id("health-status")).to_be_visible()
    await expect(page.get_by_test_id("health-part").first).to_be_visible()
    tabs = page.get_by_role("navigation", name="Administration")
    await tabs.get_by_role("link", name="Jobs").click()
    await expect(page.get_by_test_id("job").first).to_be_visible()
    job = part(page, "jobs").get_by_role("listitem").first
    await job.get_by_role("button", name="Run now").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Run now").click()
    await expect(part(page, "jobs")).to_contain_text("is due now")
    await tabs.get_by_role("link", name="Processes").click()
    owned = page.locator(f'[data-testid="owned"][data-event="{event}"]')
    await expect(owned).to_be_visible()
    await tabs.get_by_role("link", name="Limits").click()
    await do(page, part(page, "caches"), "clear")
    await expect(part(page, "caches")).to_contain_text("dropped here")
    await tabs.get_by_role("link", name="Activity").click()
    await expect(part(page, "activity")).to_contain_text("/v1/cache/clear")


async def test_who_does_not_administer_is_told_so(shop, page, trouble):
    trouble.forgive("403")
    who = {"email": "curious@example.org", "password": PASSWORD}
    await shop.api.good("POST", "/v1/auth/register", {**who, "name": "Curious"})
    await page.goto("/admin")
    await page.get_by_test_id("email").fill(who["email"])
    await page.get_by_test_id("password").fill(who["password"])
    await page.get_by_test_id("sign-in-submit").click()
    alert = page.get_by_role("alert").filter(has_text="you do not run it")
    await expect(alert).to_be_visible()
    await expect(part(page, "health")).to_have_count(0)


async def test_a_mail_that_was_refused_for_good_is_sent_again(
    mailing_shop, page, office
):
    email = "full@example.org"
    office.answer = "550 5.1.1 There is nobody of this name"
    try:
        body = {"email": email, "password": PASSWORD, "name": "Full"}
        await mailing_shop.api.good("POST", "/v1/auth/register", body)
        await enter(page, f"{mailing_shop.url}/admin/outbox")
        row = page.get_by_test_id("outbox-row")
        while await row.count() == 0:
            # What waits dies with its first try; the list is told when somebody asks.
            await page.reload()
            await expect(part(page, "outbox").locator(".skeleton")).to_have_count(0)
        await expect(row).to_contain_text(email)
        await expect(row).to_contain_text("550")
    finally:
        office.answer = OK
    await do(page, part(page, "outbox"), "outbox-replay")
    await expect(part(page, "outbox")).to_contain_text(f"for {email} is due again")
    await office.mail_to(email, "Confirm your email address")


async def test_an_event_moves_between_processes_while_it_sells(
    server_url, database_template, page
):
    bus = await asyncio.to_thread(RedisServer().start)
    settings = {"ONSALE_WORKERS": "2", "REDIS_URL": bus.url}
    try:
        async with shop_at(server_url, database_template, **settings) as shop:
            await move_while_it_sells(shop, page)
            # It would go on looking at a server that is gone.
            await page.goto("about:blank")
    finally:
        bus.remove()


async def move_while_it_sells(shop, page):
    event = await shop.event()
    sold = await shop.buy(event, seats=["A-1"])
    await enter(page, f"{shop.url}/admin/cluster")
    processes = page.get_by_test_id("process")
    await expect(processes).to_have_count(2)
    owned = f'[data-testid="owned"][data-event="{event}"]'
    await expect(page.locator(owned)).to_have_count(1)
    former = await processes.filter(has=page.locator(owned)).get_attribute(
        "data-process"
    )
    selling = asyncio.ensure_future(sell(shop, event))
    row = page.get_by_role("listitem").filter(has=page.locator(owned))
    await do(page, row, "move")
    await expect(part(page, "cluster")).to_contain_text("The event moves to")
    there = page.locator(
        f'[data-testid="process"]:not([data-process="{former}"]) {owned}'
    )
    await expect(there).to_be_visible()
    labels = await selling
    assert sold["lines"][0]["label"] == "A-1"
    counts = (await shop.api.good("GET", f"/v1/events/{event}"))["counts"]
    assert counts["booked"] == len(labels) + 1


async def sell(shop, event):
    """Sell some seats, one after the other."""
    labels = [f"B-{number}" for number in range(1, 6)]
    for label in labels:
        await shop.buy(event, seats=[label])
    return labels
