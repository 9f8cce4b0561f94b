"""What tests of the check-in page need: a team with an event, tickets, and gates."""

import asyncio
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.shop import Shop
from tests.contract.client import WAIT_S, Json
from tests.contract.teams import Team, api_key, sale_of, team


@dataclass
class Door:
    """An event of a team, its tickets, and the key of a device."""

    shop: Shop
    team: Team
    event: str
    tickets: list[Json]
    key: str

    @property
    def path(self) -> str:
        """Where its check-in is in the interface."""
        return f"/v1/events/{self.event}/checkin"

    def code(self, place: int) -> str:
        """Return what the QR of a ticket holds."""
        return str(self.tickets[place]["code"])

    def forged(self, place: int) -> str:
        """Return a code of the same ticket that nobody signed."""
        code = self.code(place)
        middle = len(code) // 2
        other = "A" if code[middle] != "A" else "B"
        return code[:middle] + other + code[middle + 1 :]

    async def counts(self) -> Json:
        """Return what the main list counts."""
        path = f"{self.path}/counts"
        found = await self.shop.api.good("GET", path, who=self.team.owner)
        return dict(found["lists"][0])

    async def standing(self, place: int) -> str:
        """Return where the holder of a ticket is."""
        found = await self.shop.api.good(
            "GET", f"{self.path}/bundle", who=self.team.owner
        )
        number = self.tickets[place]["number"]
        (one,) = [one for one in found["tickets"] if one["number"] == number]
        return str(one["standing"])


async def open_door(shop: Shop, places: int = 3, **fields: Any) -> Door:
    """Have somebody book places of an event of a new team; they have tickets."""
    api = shop.api
    one = await team(api)
    event, guest = await sale_of(api, one, **fields), await api.guest()
    held = await api.ok(event, guest, "hold", areas={"GA": places})
    await api.ok(event, guest, "book", hold=held["hold"])
    key = (await api_key(api, one, ["checkin"]))["key"]
    async with asyncio.timeout(WAIT_S):
        while True:
            path = f"/v1/tickets?event={event}"
            mine = (await api.good("GET", path, who=guest))["items"]
            if len(mine) == places:
                return Door(shop, one, event, mine, key)
            await asyncio.sleep(0.02)


async def pair(page: Page, door: Door, gate: str) -> None:
    """Make a page a gate of the door's event, with the key of the device."""
    await page.goto(f"/checkin/{door.event}")
    await page.get_by_test_id("device-key").fill(door.key)
    await page.get_by_test_id("device-pair").click()
    await begin(page, gate)


async def begin(page: Page, gate: str) -> None:
    """Name the gate of a page that knows who it is; wait until it is connected."""
    await expect(page.get_by_test_id("scan-input")).to_be_visible()
    await page.get_by_test_id("door-settings").click()
    await page.get_by_test_id("gate-name").fill(gate)
    await page.get_by_test_id("begin").click()
    await expect(page.get_by_test_id("counts")).to_be_visible()


async def scan(page: Page, code: str, result: str) -> None:
    """Scan as a scanner that types does, and expect a result that is a new one."""
    told = page.get_by_test_id("scan-result")
    for former in await told.all():
        await former.evaluate("one => { one.dataset.former = true; }")
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")
    new = page.locator("[data-testid=scan-result]:not([data-former])")
    await expect(new).to_have_attribute("data-result", result)


async def shown(page: Page, result: str) -> None:
    """Wait until a result is shown."""
    told = page.get_by_test_id("scan-result")
    await expect(told).to_have_attribute("data-result", result)
