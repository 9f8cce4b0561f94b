"""An organisation's pages: its people, its keys, its hooks, and who may see them."""

import re

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import expect

from tests.browser.conftest import shop_at
from tests.browser.team import PASSWORD, do, enter, part
from tests.contract.client import after
from tests.contract.test_invitations import INVITED
from tests.post_office import text_of

pytestmark = pytest.mark.campaign
FOUND = re.compile(r"/organise/organisations/org_[\w-]+$")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(server_url, database_template, office):
    settings = {
        "ONSALE_SMTP_URL": office.url,
        "ONSALE_MAIL_FROM": "Tickets <tickets@example.org>",
        "ONSALE_HOOKS_PRIVATE": "true",
    }
    async with shop_at(server_url, database_template, **settings) as shop:
        shop.server.extra["ONSALE_PUBLIC_URL"] = shop.url
        await shop.restart()
        yield shop


async def newcomer(shop, email, name="Ada <b>Lovelace</b>"):
    body = {"email": email, "password": PASSWORD, "name": name}
    made = await shop.api.good("POST", "/v1/auth/register", body)
    return made["user"]["id"]


async def founded(page, shop, email):
    """Found an organisation as somebody new; the page is that of its people."""
    await newcomer(shop, email)
    await enter(page, "/organise", email, PASSWORD)
    await page.get_by_test_id("found").click()
    await page.get_by_label("Name").fill("The <i>Old</i> Theatre")
    await page.get_by_role("button", name="Found it").click()
    await page.wait_for_url(FOUND)
    await expect(page.get_by_test_id("member-role")).to_have_text("owner")
    return page.url


async def link_of(office, address, subject):
    mail = await office.mail_to(address, subject)
    return re.findall(r"http://\S+/account#\S+", text_of(mail))[0]


async def test_who_is_invited_comes_in_gets_another_role_and_is_removed(
    shop, page, open_page, office, trouble
):
    trouble.forgive("403")
    address = await founded(page, shop, "owner@example.org")
    await newcomer(shop, "bert@example.org", "Bert")
    await page.get_by_test_id("invite").get_by_label("Email").fill("bert@example.org")
    await page.get_by_role("button", name="Invite").click()
    told = part(page, "invitations").get_by_role("status")
    await expect(told).to_contain_text("bert@example.org is on its way")

    other = await open_page()
    await enter(other, "/organise", "bert@example.org", PASSWORD)
    await other.goto(await link_of(office, "bert@example.org", "Confirm"))
    await expect(other.get_by_text("your email address is confirmed")).to_be_visible()
    await other.goto(await link_of(office, "bert@example.org", INVITED))
    await other.get_by_role("button", name="Accept").click()
    await expect(other.get_by_text("You are a member now")).to_be_visible()
    await other.get_by_role("link", name="Organise", exact=True).click()
    mine = part(other, "my-organisations")
    await mine.get_by_role("link", name="The <i>Old</i> Theatre").click()
    await expect(part(other, "members")).to_contain_text("Bert")
    await expect(part(other, "invitations")).to_have_count(0)

    await page.reload()
    bert = part(page, "members").get_by_role("listitem").filter(has_text="Bert")
    await bert.get_by_test_id("member-change").click()
    await page.get_by_role("dialog").get_by_label("Role").select_option("leader")
    await page.get_by_test_id("member-change-yes").click()
    await expect(bert.get_by_test_id("member-role")).to_have_text("leader")
    await other.reload()
    await expect(part(other, "invitations")).to_be_visible()

    # Who owns it alone cannot go.
    trouble.forgive("409")
    me = part(page, "members").get_by_role("listitem").filter(has_text="Lovelace")
    await me.get_by_test_id("member-remove").click()
    await page.get_by_test_id("member-remove-yes").click()
    alone = page.get_by_role("dialog").get_by_role("alert")
    await expect(alone).to_contain_text("needs an owner")
    await page.get_by_role("button", name="Not now").click()

    await do(page, bert, "member-remove")
    await expect(part(page, "members")).to_contain_text("Bert was removed")
    await other.goto(address)
    await expect(other.get_by_test_id("stranger")).to_be_visible()


async def test_a_key_is_shown_once_and_good_until_it_is_revoked(shop, page):
    address = await founded(page, shop, "keys@example.org")
    organisation = address.rpartition("/")[2]
    await page.goto(f"{address}/keys")
    await page.get_by_test_id("new-key").click()
    await page.get_by_label("Name of the key").fill("Till 1")
    await page.get_by_label("see members").check()
    await page.get_by_role("button", name="Make the key").click()
    key = await page.get_by_test_id("secret").locator("code").inner_text()
    path, headers = f"/v1/organisations/{organisation}/members", {"X-API-Key": key}
    assert (await shop.api.request("GET", path, headers=headers)).status == 200
    await page.reload()
    await expect(page.get_by_test_id("key")).to_contain_text(key[:12])
    await expect(page.get_by_text(key)).to_have_count(0)
    await do(page, part(page, "keys"), "key-revoke")
    await expect(page.get_by_test_id("key-state")).to_have_text("revoked")
    assert (await shop.api.request("GET", path, headers=headers)).status == 401
    await page.goto(f"{address}/activity")
    await expect(part(page, "activity")).to_contain_text("made an API key")


async def test_a_hook_that_failed_is_told_again(shop, page):
    answers, heard = [500], []

    async def take(request):
        heard.append(request.headers["webhook-id"])
        return web.Response(status=answers[0])

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        address = await founded(page, shop, "hooks@example.org")
        await page.goto(f"{address}/hooks")
        await page.get_by_test_id("new-hook").click()
        form = page.get_by_test_id("make-hook")
        await form.get_by_label("Address").fill(f"http://127.0.0.1:{port}/hook")
        await page.get_by_role("button", name="Make the hook").click()
        await expect(page.get_by_test_id("secret")).to_contain_text("whsec_")
        await page.get_by_test_id("hook-test").click()
        delivery = page.get_by_test_id("delivery")
        await expect(delivery).to_contain_text("answered 500")
        answers[0] = 200
        await page.get_by_test_id("delivery-replay").click()
        await page.get_by_test_id("delivery-replay-yes").click()
        await expect(delivery).to_have_attribute("data-state", "sent")
        await page.get_by_test_id("delivery-log").click()
        attempts = page.get_by_test_id("attempts").locator("tbody tr")
        await expect(attempts).to_have_count(len(heard))
        assert len(set(heard)) == 1
        assert len(heard) > 1
    finally:
        await runner.cleanup()


async def test_the_home_of_who_runs_something_leads_to_their_event(shop, page):
    address = await founded(page, shop, "home@example.org")
    organisation = address.rpartition("/")[2]
    who = (await shop.api.login("home@example.org", PASSWORD)).body
    body = {
        "name": "An evening",
        "capacity": 40,
        "starts_at": after(days=30),
        "organisation": organisation,
    }
    bearer = {"Authorization": f"Bearer {who['access_token']}"}
    made = await shop.api.request("POST", "/v1/events", body, headers=bearer)
    event = made.body["id"]
    await page.goto("/organise")
    card = page.get_by_test_id("my-event")
    await expect(card).to_have_attribute("data-event", event)
    await expect(card.get_by_test_id("my-event-state")).to_have_text("draft")
    await expect(card).to_contain_text("0 of 40 places booked. 40 left.")
    tabs = card.get_by_role("navigation").get_by_role("link")
    await expect(tabs).to_have_count(6)
    await expect(tabs.first).to_have_attribute("href", f"/organise/events/{event}")


async def test_an_announcement_says_how_far_it_is(shop, page, office):
    address = await founded(page, shop, "news@example.org")
    await page.goto(f"{address}/announcements")
    await page.get_by_test_id("write").click()
    form = page.get_by_test_id("announce")
    await form.get_by_label("Subject").fill("A <b>rehearsal</b>")
    await form.get_by_label("Text").fill("At eight.")
    await page.get_by_role("button", name="Send it").click()
    state = page.get_by_test_id("announcement-state")
    await expect(state).to_have_text("sent")
    await expect(page.get_by_test_id("announcement-counts")).to_have_text(
        "Sent 1 of 1 mail."
    )
    await office.mail_to("news@example.org", "A <b>rehearsal</b>")
