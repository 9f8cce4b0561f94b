"""Two people talk in the room of an event; who runs it moderates."""

import pytest
from playwright.async_api import expect

from tests.browser.own import become
from tests.browser.shop import BUYER
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

pytestmark = pytest.mark.campaign


async def with_place(shop, event):
    who = await shop.api.guest()
    held = await shop.api.ok(event, who, "hold_best", quantity=1)
    body = {"event": event, "hold": held["hold"], "buyer": BUYER}
    await shop.api.good("POST", "/v1/orders", body, who=who)
    return who


async def say(page, text):
    await page.get_by_test_id("say-text").fill(text)
    await page.get_by_test_id("say-text").press("Enter")


async def act(page, message, name, text=None):
    await message.get_by_test_id(f"act-{name}").click()
    if text is not None:
        await page.get_by_role("dialog").get_by_role("textbox").fill(text)
    await page.get_by_test_id("act-yes").click()


async def test_two_talk_and_the_house_moderates(shop, page, open_page, trouble):
    trouble.forgive("403|ERR_|WebSocket")
    event = await shop.event()
    address = f"/rooms/event:{event}"
    other = await open_page()
    await become(page, await with_place(shop, event))
    await become(other, await with_place(shop, event))
    for one in (page, other):
        await one.goto(address)
        await expect(one.get_by_text("Be the first")).to_be_visible()
    await say(page, "Grüße <b>an alle</b> ‮!")
    heard = other.get_by_test_id("message")
    await expect(heard).to_contain_text("Grüße <b>an alle</b>")
    await say(other, "Hello")
    await expect(page.get_by_test_id("message")).to_have_count(2)
    await act(page, page.get_by_test_id("message").first, "edit", "Grüße")
    await expect(other.get_by_test_id("message").first).to_contain_text("edited")
    # It comes back by itself, with what was said meanwhile.
    await shop.kill()
    await shop.start()
    await say(other, "Still there?")
    await expect(page.get_by_test_id("message")).to_have_count(3)
    house = await open_page()
    await house.goto("/account")
    await house.get_by_test_id("email").fill(ADMIN_EMAIL)
    await house.get_by_test_id("password").fill(ADMIN_PASSWORD)
    await house.get_by_test_id("sign-in-submit").click()
    await expect(house.get_by_test_id("sign-in")).to_have_count(0)
    await house.goto(address)
    await act(house, house.get_by_test_id("message").nth(2), "remove")
    await expect(page.get_by_text("was removed by the organiser")).to_be_visible()
    await act(house, house.get_by_test_id("message").first, "ban")
    await expect(page.get_by_role("alert")).to_contain_text("put you out")


async def test_who_has_no_place_is_told_so(shop, page, trouble):
    trouble.forgive("403|404")
    event = await shop.event()
    await page.goto(f"/rooms/event:{event}")
    await expect(page.get_by_test_id("sign-in")).to_be_visible()
    await expect(page.get_by_test_id("say-text")).to_have_count(0)
