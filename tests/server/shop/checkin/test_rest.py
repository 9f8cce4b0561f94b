"""A door from booking to the way in, over REST, with tickets that the follower made."""

import asyncio
from typing import Any

import pytest

from tests.server.conftest import Client

pytestmark = pytest.mark.postgres

EVENT = {
    "name": "An evening",
    "capacity": 50,
    "starts_at": "2035-12-31T19:00:00Z",
    "payment": "none",
}


class Door:
    """An event on sale, with tickets that somebody booked."""

    def __init__(self, admin: Client, event: str, tickets: list[Any]) -> None:
        self.admin, self.event, self.tickets = admin, event, tickets
        self.code = tickets[0]["code"]
        self._count = 0

    def scan(self, **fields: Any) -> dict[str, Any]:
        self._count += 1
        usual = {"event": self.event, "code": self.code, "nonce": f"n-{self._count}"}
        return {**usual, **fields}


async def open_door(admin: Client, guest: Client) -> Door:
    made = await admin.good("POST", "/v1/events", EVENT)
    event = made["id"]
    await admin.good("POST", f"/v1/events/{event}/publish")
    commands = f"/v1/events/{event}/commands"
    held = await guest.good("POST", commands, {"op": "hold", "areas": {"GA": 3}})
    await guest.good("POST", commands, {"op": "book", "hold": held["hold"]})
    async with asyncio.timeout(10):
        while True:
            mine = (await guest.good("GET", "/v1/tickets"))["items"]
            if len(mine) == 3:
                return Door(admin, event, mine)
            await asyncio.sleep(0.02)


async def test_three_codes_of_one_booking_open_three_times(admin, guest):
    door = await open_door(admin, guest)
    codes = [one["code"] for one in door.tickets]
    assert len(set(codes)) == 3
    for place, code in enumerate(codes):
        body = door.scan(code=code, gate="north")
        first = await admin.good("POST", "/v1/checkin/scans", body)
        assert first["result"] == "ok"
        assert (first["ticket"], first["label"]) == (
            door.tickets[place]["ticket"],
            "GA",
        )
        assert await admin.good("POST", "/v1/checkin/scans", body) == first
        again = await admin.good("POST", "/v1/checkin/scans", door.scan(code=code))
        assert again["result"] == "already_in"
        assert again["before"]["at"] == first["at"]
        assert again["before"]["gate"] == "north"
    counts = await admin.good("GET", f"/v1/events/{door.event}/checkin/counts")
    (main,) = counts["lists"]
    assert (main["list"], main["in"], main["per_min"]) == ("main", 3, 3)
    assert [(one["gate"], one["in"]) for one in main["gates"]] == [("north", 3)]
