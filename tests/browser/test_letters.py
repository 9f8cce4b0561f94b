"""What a buyer was told, as who runs the event sees it and sends it again."""

import pytest
from playwright.async_api import expect

from tests.browser.shop import BUYER
from tests.browser.test_counter import open_counter
from tests.browser.test_office import find
from tests.post_office import text_of

pytestmark = pytest.mark.campaign


@pytest.fixture(scope="module")
def shop(mailing_shop):
    return mailing_shop


async def test_a_confirmation_is_sent_again_and_opens_the_order(
    shop, page, open_page, office
):
    event = await shop.event(paid=True)
    order = await shop.buy(event, seats=["A-1"])
    subject = "Your tickets"
    await office.mail_to(BUYER["email"], subject)
    await open_counter(page, event, "orders")
    await find(page, order["reference"])
    letter = page.get_by_test_id("letter")
    await expect(letter).to_contain_text(BUYER["email"])
    seen = len(office.mails)
    await page.get_by_test_id("send-again").click()
    await expect(page.get_by_test_id("letters-told")).not_to_be_empty()
    again = text_of(await office.mail_to(BUYER["email"], subject, seen))
    (link,) = [x for x in again.split() if f"/orders/{order['id']}#" in x]
    # Somebody else's browser, which never saw this shop.
    other = await open_page()
    await other.goto(link)
    await expect(other.get_by_test_id("ticket-number")).to_be_visible()
    await page.get_by_test_id("history").locator("summary").click()
    acts = page.get_by_test_id("act")
    await expect(acts.last).to_contain_text("Ordered")
