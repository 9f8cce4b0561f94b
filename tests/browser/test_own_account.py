"""Accounts in a browser: getting in, mails and their links, and what one has there."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.own import become
from tests.browser.shop import BUYER
from tests.contract.client import Person
from tests.post_office import text_of

PASSWORD = "seven swans a swimming"
OTHER = "six geese a laying there"
IN_DIALOG = """
document.activeElement === document.body || !!document.activeElement.closest("dialog")
"""
BARE = re.compile(r"/account$")


@pytest.fixture(scope="module")
def shop(mailing_shop):
    return mailing_shop


async def link_in(office, address, subject, after=0):
    """Wait for a mail and return the link in it."""
    mail = await office.mail_to(address, subject, after)
    (link,) = re.findall(r"http://\S+/account#\S+", text_of(mail))
    return link


async def register(page, email):
    """Make an account on its page; the page shows it then."""
    await page.goto("/account")
    await page.get_by_test_id("way-new").click()
    form = page.get_by_test_id("register")
    await form.get_by_label("Name").fill("Ada <b>Lovelace</b>")
    await form.get_by_label("Email").fill(email)
    await form.get_by_label("New password").fill(PASSWORD)
    await form.get_by_role("button", name="Create the account").click()
    await expect(page.get_by_test_id("me")).to_contain_text("Ada <b>Lovelace</b>")


async def sign_in(page, email, password):
    await page.get_by_test_id("email").fill(email)
    await page.get_by_test_id("password").fill(password)
    await page.get_by_test_id("sign-in-submit").click()


@pytest.mark.campaign
async def test_who_registers_keeps_what_the_guest_had_and_confirms_the_address(
    shop, page, open_page, office
):
    who = await shop.api.guest()
    event = await shop.event(name="Swan Lake")
    bought = await shop.buy(event, who, seats=["A-1"])
    await become(page, who)
    await page.goto("/account")
    here = page.get_by_test_id("bought-here")
    await expect(here.get_by_role("link", name=bought["reference"])).to_be_visible()

    await register(page, "ada@example.org")
    await expect(here).to_have_count(0)
    own = page.get_by_test_id("bought")
    await expect(own.get_by_role("link", name=bought["reference"])).to_be_visible()

    # The link is opened elsewhere, by somebody who is not signed in there.
    link = await link_in(office, "ada@example.org", "Confirm your email address")
    other = await open_page()
    await other.goto(link)
    await expect(other.get_by_text("your email address is confirmed")).to_be_visible()
    await expect(other).to_have_url(BARE)
    await page.reload()
    await expect(page.get_by_test_id("verified")).to_be_visible()

    # Who signs out leaves no ticket behind.
    await own.get_by_role("link", name="A-1").click()
    await expect(page.get_by_test_id("ticket-qr")).to_be_visible()
    ticket = page.url
    await page.goto("/account")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_test_id("sign-in")).to_be_visible()
    await page.goto(ticket)
    await expect(page.get_by_test_id("sign-in")).to_be_visible()
    await expect(page.get_by_test_id("ticket-qr")).to_have_count(0)


@pytest.mark.campaign
async def test_a_link_that_was_used_says_so(shop, page, office, trouble):
    trouble.forgive("409")
    await register(page, "used@example.org")
    link = await link_in(office, "used@example.org", "Confirm your email address")
    await page.goto(link)
    await expect(page.get_by_test_id("verified")).to_be_visible()
    await page.goto(link)
    alert = page.get_by_role("alert").filter(has_text="was used already")
    await expect(alert).to_be_visible()
    await expect(page).to_have_url(BARE)


@pytest.mark.campaign
async def test_a_wrong_password_is_told_and_a_forgotten_one_made_anew(
    shop, page, open_page, office, trouble
):
    trouble.forgive("401")
    await register(page, "lost@example.org")
    other = await open_page()
    await other.goto("/account")
    await sign_in(other, "lost@example.org", "five golden rings")
    await expect(other.get_by_role("alert")).to_contain_text("wrong")
    await expect(other.get_by_test_id("email")).to_have_value("lost@example.org")

    await other.get_by_test_id("way-lost").click()
    await other.get_by_test_id("forgot").get_by_label("Email").fill("lost@example.org")
    await other.get_by_role("button", name="Send me a link").click()
    await expect(other.get_by_text("a mail is on its way")).to_be_visible()
    link = await link_in(office, "lost@example.org", "Choose a new password")
    await other.goto(link)
    await expect(other).to_have_url(BARE)
    await other.get_by_test_id("reset").get_by_label("New password").fill(OTHER)
    await other.get_by_role("button", name="Save the password").click()
    await sign_in(other, "lost@example.org", OTHER)
    await expect(other.get_by_test_id("me")).to_be_visible()
    # All sessions of before have ended.
    await page.reload()
    await expect(page.get_by_test_id("sign-in")).to_be_visible()


@pytest.mark.campaign
async def test_other_sessions_end_and_a_changed_password_keeps_this_one(
    shop, page, open_page, office, trouble
):
    trouble.forgive("401")
    await register(page, "many@example.org")
    others = []
    for _ in range(2):
        other = await open_page()
        await other.goto("/account")
        await sign_in(other, "many@example.org", PASSWORD)
        await expect(other.get_by_test_id("me")).to_be_visible()
        others.append(other)
    await page.reload()
    rows = page.get_by_test_id("sessions").get_by_role("listitem")
    await expect(rows).to_have_count(3)
    await page.get_by_role("button", name="End all others").click()
    await expect(rows).to_have_count(1)
    for other in others:
        await other.reload()
        await expect(other.get_by_test_id("sign-in")).to_be_visible()

    form = page.get_by_test_id("change-password")
    await form.get_by_label("Current password").fill(PASSWORD)
    await form.get_by_label("New password").fill(OTHER)
    await form.get_by_role("button").click()
    await expect(page.get_by_text("Your password was changed.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_test_id("me")).to_be_visible()


@pytest.mark.campaign
async def test_who_goes_takes_their_data_and_is_told_what_stays(
    shop, page, trouble, office
):
    trouble.forgive("403 DELETE|403 .Forbidden")
    await register(page, "gone@example.org")
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Download my data").click()
    path = await (await saved.value).path()
    assert "gone@example.org" in path.read_text("utf-8")

    await page.get_by_role("button", name="Delete the account").click()
    form = page.get_by_test_id("delete")
    await expect(form).to_contain_text("What is kept")
    await form.get_by_label("Password").fill("wrong horse")
    await form.get_by_role("button", name="for good").click()
    await expect(form.get_by_role("alert")).to_contain_text("wrong")
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_role("button", name="for good").click()
    await expect(page.get_by_text("Your account was deleted.")).to_be_visible()
    await expect(page.get_by_test_id("sign-in")).to_be_visible()


@pytest.mark.campaign
async def test_who_stays_signed_in_is_so_in_other_tabs(shop, page, office):
    await register(page, "stays@example.org")
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_label("Keep me signed in").check()
    await sign_in(page, "stays@example.org", PASSWORD)
    await expect(page.get_by_test_id("me")).to_be_visible()
    other = await page.context.new_page()
    await other.goto("/account")
    await expect(other.get_by_test_id("me")).to_be_visible()


@pytest.mark.campaign
async def test_a_session_outlives_its_token_and_ends_with_its_last(
    shop, page, office, trouble
):
    trouble.forgive("401")
    await register(page, "long@example.org")
    change = """(change) => {
      const kept = JSON.parse(sessionStorage.getItem("onsale.session"));
      sessionStorage.setItem("onsale.session", JSON.stringify({ ...kept, ...change }));
      return kept.refresh;
    }"""
    first = await page.evaluate(change, {"until": 0})
    await page.reload()
    await expect(page.get_by_test_id("me")).to_be_visible()
    second = await page.evaluate(change, {"token": "no such token"})
    assert second != first
    # Its time is not over, and the server does not know it: as after a new secret.
    await page.reload()
    await expect(page.get_by_test_id("me")).to_be_visible()
    await page.evaluate(change, {"token": "no such token", "refresh": "none either"})
    await page.reload()
    await expect(page.get_by_test_id("sign-in")).to_be_visible()


@pytest.mark.campaign
async def test_a_name_changes_at_once_and_an_address_by_its_mail(shop, page, office):
    await register(page, "moves@example.org")
    await page.get_by_label("Name").fill("Grace Hopper")
    await page.get_by_role("button", name="Save").click()
    me = page.get_by_test_id("me")
    await expect(me).to_contain_text("Grace Hopper")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()

    await page.get_by_role("button", name="Change the email address").click()
    asks = page.get_by_role("dialog")
    await asks.get_by_label("New email address").fill("moved@example.org")
    await asks.get_by_label("Password").fill(PASSWORD)
    await asks.get_by_role("button", name="Change the email address").click()
    await expect(me).to_contain_text("Please confirm moved@example.org")
    await expect(me).to_contain_text("moves@example.org")
    link = await link_in(office, "moved@example.org", "Confirm your email address")
    await page.goto(link)
    await expect(page.get_by_test_id("verified")).to_be_visible()
    await expect(me).to_contain_text("moved@example.org")
    await expect(me).not_to_contain_text("moves@example.org")


@pytest.mark.campaign
async def test_a_language_is_that_of_mails_and_pages_and_keeps_its_country(
    shop, page, office
):
    await register(page, "speaks@example.org")
    form = page.get_by_test_id("profile")
    await expect(form.get_by_label("Language")).to_have_value("en")
    await form.get_by_label("Language").select_option(label="Deutsch")
    await form.get_by_role("button", name="Save").click()
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await expect(form.get_by_label("Sprache")).to_have_value("de")
    token = await page.evaluate(
        "JSON.parse(sessionStorage.getItem('onsale.session')).token"
    )
    who = Person("", "customer", token)
    assert (await shop.api.good("GET", "/v1/me", who=who))["locale"] == "de"
    await page.get_by_role("button", name="Mail noch einmal schicken").click()
    await office.mail_to("speaks@example.org", "Bestätigen Sie Ihre E-Mail-Adresse")
    # A name that changes alone leaves the German of Austria as it is.
    await shop.api.good("PATCH", "/v1/me", {"locale": "de-AT"}, who=who)
    await page.reload()
    await expect(form.get_by_label("Sprache")).to_have_value("de")
    await form.get_by_label("Name").fill("Ada Byron")
    await form.get_by_role("button", name="Speichern").click()
    await expect(page.get_by_test_id("me")).to_contain_text("Ada Byron")
    assert (await shop.api.good("GET", "/v1/me", who=who))["locale"] == "de-AT"


@pytest.mark.campaign
async def test_an_invitation_waits_until_one_has_signed_in(shop, page, office):
    admin = shop.api.admin
    made = await shop.api.good(
        "POST", "/v1/organisations", {"name": "The <i>Globe</i>"}, who=admin
    )
    path = f"/v1/organisations/{made['id']}/invitations"
    await shop.api.good("POST", path, {"email": "joins@example.org"}, who=admin)
    link = await link_in(office, "joins@example.org", "You are invited")
    await page.goto(link)
    await expect(page).to_have_url(BARE)
    await expect(page.get_by_text("To see who invites you")).to_be_visible()
    await page.get_by_test_id("way-new").click()
    form = page.get_by_test_id("register")
    await form.get_by_label("Name").fill("Joins Soon")
    await form.get_by_label("Email").fill("joins@example.org")
    await form.get_by_label("New password").fill(PASSWORD)
    await form.get_by_role("button", name="Create the account").click()
    await expect(page.get_by_text("Confirm your address first")).to_be_visible()
    confirm = await link_in(office, "joins@example.org", "Confirm your email address")
    other = await page.context.new_page()
    await other.goto(confirm)
    await expect(other.get_by_text("your email address is confirmed")).to_be_visible()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("The <i>Globe</i>")).to_be_visible()
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_text("You are a member now.")).to_be_visible()


@pytest.mark.campaign
async def test_a_registration_is_cancelled_by_its_mail(shop, page, office):
    event = await shop.event(
        None, capacity=5, registration="open", prices={}, payment="none"
    )
    who = await shop.api.guest()
    body = {"email": "comes@example.org", "name": "Comes Perhaps"}
    made = await shop.api.good("POST", f"/v1/events/{event}/attendees", body, who=who)
    link = await link_in(office, "comes@example.org", "You are registered")
    await page.goto(link)
    await expect(page).to_have_url(BARE)
    await page.get_by_role("button", name="Cancel my registration").click()
    await expect(page.get_by_text("Your registration is cancelled")).to_be_visible()
    path = f"/v1/events/{event}/attendees/{made['id']}"
    found = await shop.api.good("GET", path, who=who)
    assert found["status"] == "cancelled"


@pytest.mark.campaign
async def test_by_keyboard_alone_one_gets_in_and_out(shop, page, office):
    await register(page, "keys@example.org")
    await page.get_by_role("button", name="Sign out").press("Enter")
    # What had the focus is gone; it is taken there in the next frame.
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.get_by_test_id("email").focus()
    await page.keyboard.type("keys@example.org")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("me")).to_be_visible()
    # Whoever signed in is taken to the title, too, in the next frame.
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    # A dialog keeps the focus, and gives it back.
    opener = page.get_by_role("button", name="Delete the account")
    await opener.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    for _ in range(8):
        await page.keyboard.press("Tab")
        assert await page.evaluate(IN_DIALOG)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(opener).to_be_focused()


@pytest.mark.campaign
async def test_the_link_of_a_mail_opens_an_order_in_another_browser(shop, page, office):
    who = await shop.api.guest()
    bought = await shop.buy(await shop.event(paid=True), who, seats=["A-1", "A-2"])
    body = {"reference": bought["reference"], "email": BUYER["email"]}
    await shop.api.good("POST", "/v1/orders/lookup", body)
    mail = await office.mail_to(BUYER["email"], f"Your order {bought['reference']}")
    (link,) = re.findall(r"http://\S+/orders/\S+#\S+", text_of(mail))
    await page.goto(link)
    await expect(page.get_by_test_id("order-status")).to_have_text("confirmed")
    await expect(page).to_have_url(re.compile(rf"/orders/{bought['order']}$"))
    await expect(page.get_by_test_id("ticket-qr")).to_have_count(2)
    # What it opened it opens again in this tab, and its tickets.
    await page.reload()
    await page.get_by_role("link", name=bought["tickets"][0]["number"]).click()
    await expect(page.get_by_test_id("ticket-qr")).to_be_visible()
