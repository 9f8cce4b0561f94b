"""What somebody does in the shop, one step each, by the contract's test ids alone."""

import io
import re

import zxingcpp
from PIL import Image
from playwright.async_api import Locator, Page, WebSocketRoute, expect

from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD

QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
"""Lines of a page look like a code of another kind at times."""

NAME = "Zoë Ängström"
EMAIL = "zoe@example.org"
GATEWAY = re.compile(r"/pay/")
ORDER = re.compile(r"/orders/ord_")


def seat(page: Page, label: str) -> Locator:
    """The button of a seat in the list, which is the map's twin."""
    return page.get_by_test_id("seat-list").locator(f'[data-seat="{label}"]')


async def expect_seat(page: Page, label: str, status: str) -> None:
    """Wait until a seat is shown as `free`, `held`, `mine` or `booked`."""
    await expect(seat(page, label)).to_have_attribute("data-status", status)


async def open_event(page: Page, event: str) -> None:
    """Open an event's page; its map is there and its places can be chosen."""
    await page.goto(f"/events/{event}")
    await expect(page.get_by_test_id("seat-map")).to_be_visible()


async def holds(page: Page, *labels: str) -> None:
    """Wait until the page says that these seats are held for its visitor."""
    for label in labels:
        await expect(page.get_by_test_id("hold-seats")).to_contain_text(label)
    await expect(page.get_by_test_id("hold-countdown")).to_contain_text(":")


async def choose(page: Page, *labels: str) -> None:
    """Choose seats one by one."""
    for label in labels:
        await seat(page, label).click()
        await holds(page, label)


async def check_out(page: Page) -> None:
    """Go from a hold to the page of the gateway."""
    await page.get_by_test_id("checkout").click()
    await page.get_by_test_id("buyer-email").fill(EMAIL)
    await page.get_by_test_id("buyer-name").fill(NAME)
    await page.get_by_test_id("pay").click()
    await page.wait_for_url(GATEWAY)


async def pay(page: Page) -> str:
    """Pay at the gateway; return the order, whose page says that it is confirmed."""
    await page.get_by_test_id("gateway-pay").click()
    await page.wait_for_url(ORDER)
    await expect_confirmed(page)
    return order_of(page)


async def expect_confirmed(page: Page) -> None:
    """Wait until the page of an order says so, with its tickets."""
    status = page.get_by_test_id("order-status")
    await expect(status).to_have_text(re.compile("confirmed|bestätigt", re.I))
    await expect(page.get_by_test_id("ticket-qr").first).to_be_visible()


def order_of(page: Page) -> str:
    """Return the order whose page this is."""
    return page.url.rpartition("/")[2].partition("#")[0]


async def codes_on(page: Page) -> set[str]:
    """Return what the QRs of tickets on the screen hold, read as a camera does."""
    found: set[str] = set()
    for one in await page.get_by_test_id("ticket-qr").all():
        await one.scroll_into_view_if_needed()
        picture = Image.open(io.BytesIO(await one.screenshot()))
        read = zxingcpp.read_barcodes(picture, formats=QR)
        found |= {one.text for one in read}
    return found


async def sign_in_at_the_door(page: Page, event: str) -> None:
    """Open the check-in of an event as its manager."""
    await page.goto(f"/checkin/{event}")
    await page.get_by_test_id("email").fill(ADMIN_EMAIL)
    await page.get_by_test_id("password").fill(ADMIN_PASSWORD)
    await page.get_by_test_id("sign-in-submit").click()
    await expect(page.get_by_test_id("scan-input")).to_be_visible()


async def scan(page: Page, code: str, result: str) -> None:
    """Scan a code with a keyboard scanner; it comes to a result of the interface."""
    await page.get_by_test_id("scan-input").fill(code)
    await page.get_by_test_id("scan-input").press("Enter")
    told = page.get_by_test_id("scan-result")
    await expect(told).to_have_attribute("data-result", result)


class Blindfold:
    """Keeps what others do from a page: it loses seats that it still sees free."""

    def __init__(self) -> None:
        self.on = False
        self.kept: list[str | bytes] = []

    async def put_on(self, page: Page) -> None:
        """Stand between a page and its websocket; before the page is opened."""
        await page.route_web_socket("**/v1/ws", self._stand_between)

    def _stand_between(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def take(message: str | bytes) -> None:
            if self.on and '"op":"delta"' in str(message).replace(" ", ""):
                self.kept.append(message)
            else:
                route.send(message)

        server.on_message(take)


async def tab_to(page: Page, target: Locator, presses_max: int = 200) -> None:
    """Press Tab until something has the focus."""
    for _ in range(presses_max):
        if await target.evaluate("(one) => one === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {target}")
