"""Who runs something, in a browser: signing in, and asking once."""

from playwright.async_api import Locator, Page, expect

from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

PASSWORD = "seven swans a swimming"


async def enter(
    page: Page, address: str, email: str = ADMIN_EMAIL, password: str = ADMIN_PASSWORD
) -> None:
    """Open a page of those who run something, and sign in there."""
    await page.goto(address)
    await page.get_by_test_id("email").fill(email)
    await page.get_by_test_id("password").fill(password)
    await page.get_by_test_id("sign-in-submit").click()
    await expect(page.get_by_test_id("sign-in")).to_have_count(0)


async def do(page: Page, within: Locator, name: str) -> None:
    """Press what asks once, and say yes."""
    await within.get_by_test_id(name).click()
    await page.get_by_test_id(f"{name}-yes").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


def part(page: Page, name: str) -> Locator:
    """A part of the page by its name."""
    return page.get_by_test_id(name)
