from urllib.parse import urlencode

import pytest
from playwright.async_api import expect

STARTS = "2031-12-24T18:30:00Z"


@pytest.mark.parametrize(
    ("locale", "language", "heading", "parts"),
    [
        ("en-GB", "en", "Events", ("24 December 2031", "19:30")),
        ("en-US", "en", "Events", ("December 24, 2031", "7:30")),
        ("de-AT", "de", "Veranstaltungen", ("24. Dezember 2031", "19:30")),
        ("fr-FR", "en", "Events", ("December 24, 2031", "7:30")),
    ],
)
async def test_pages_speak_and_write_as_is_usual_where_their_reader_is(
    shop, open_page, locale, language, heading, parts
):
    name = f"An evening in {locale}"
    zone = "Europe/Vienna"
    await shop.event(None, capacity=5, name=name, starts_at=STARTS, timezone=zone)
    page = await open_page(locale=locale)
    # Searched for: the first page of the list may be full of other events.
    await page.goto(f"/?{urlencode({'q': name})}")
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    card = page.get_by_test_id("event-card").filter(has_text=name)
    for part in parts:
        await expect(card).to_contain_text(part)
