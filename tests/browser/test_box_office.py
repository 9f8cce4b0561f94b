"""The box office in the suite: one sale, by keys alone."""

from playwright.async_api import expect

from tests.browser.test_counter import open_counter


async def test_a_sale_takes_three_keys_after_choosing(shop, page):
    event = await shop.event(paid=True)
    await open_counter(page, event)
    await expect(page.get_by_test_id("seat-map")).to_be_visible()
    await page.keyboard.press("F2")
    await expect(page.get_by_test_id("quantity")).to_be_focused()
    await page.keyboard.type("2")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("pay-cash")).to_have_attribute(
        "aria-disabled", "false"
    )
    await page.keyboard.press("F8")
    await expect(page.get_by_test_id("paid-yes")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("print")).to_be_focused()
    async with page.expect_download() as saved:
        await page.keyboard.press("Enter")
    printed = await (await saved.value).path()
    assert printed.read_bytes().startswith(b"%PDF")
    order = await page.get_by_test_id("sold").get_attribute("data-order")
    made = await shop.api.good("GET", f"/v1/orders/{order}", who=shop.api.admin)
    assert (made["status"], made["attempts"][0]["provider"]) == ("confirmed", "cash")
    await page.keyboard.press("F2")
    await expect(page.get_by_test_id("quantity")).to_be_focused()
