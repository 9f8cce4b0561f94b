"""A running shop for browsers: server, test gateway, and other people in it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import msgspec

from inventory.venue.arena import arena
from tests.contract.client import WAIT_S, Api, Json, Person
from tests.contract.process import Server
from tests.contract.socket_client import Socket
from tests.server.shop.payments.gateway_process import SECRET, GatewayProcess

LOOK_S = 0.02
BUYER = {"email": "else@example.org", "name": "Somebody Else"}


class Shop:
    """One server and its gateway, each a process; the server keeps its address.

    The contract's client is `api`: whatever is not here it can do.
    """

    def __init__(self, database_url: str, folder: Path, **settings: Any) -> None:
        self.gateway = GatewayProcess(folder)
        self._database_url = database_url
        self._settings = settings
        self._open = AsyncExitStack()
        self.server: Server
        self.api: Api

    async def __aenter__(self) -> Self:
        """Start the gateway, then the server."""
        await asyncio.to_thread(self.gateway.start)
        self._open.callback(self.gateway.end)
        self.server = Server(
            DATABASE_URL=self._database_url,
            ONSALE_GATEWAY_URL=self.gateway.url,
            ONSALE_GATEWAY_SECRET=SECRET,
            **self._settings,
        )
        self._open.callback(self.server.remove)
        await self.start()
        self.api = await self._open.enter_async_context(Api(self.server))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    @property
    def url(self) -> str:
        """Where it is: `http://127.0.0.1:PORT`."""
        return self.server.url

    # The server's life

    async def start(self) -> None:
        """Start the server, at the address that it had if it had one."""
        await asyncio.to_thread(self.server.start)
        self.server.port = int(self.server.url.rpartition(":")[2])

    async def kill(self) -> None:
        """End the server as a crash would; `start` brings it back."""
        await asyncio.to_thread(self.server.kill)

    async def restart(self) -> None:
        """Kill the server and start it again."""
        await self.kill()
        await self.start()

    # Events

    async def event(
        self, chart: str | None = "small", *, paid: bool = False, **fields: Any
    ) -> str:
        """Put an event on sale and return its id.

        `chart` is a name of `tests/contract/charts.py` ("small" has 24 seats in rows A
        to C and an area GA1 of 5; "hall" 600 seats), or None for a `capacity` or a
        `venue`. What is `paid` has to be paid at the test gateway first. All else is
        as `POST /v1/events` has it.
        """
        settings: Json = {"payment": "required", "pay_s": 900} if paid else {}
        if "capacity" in fields:
            settings["prices"] = {"GA": {"amount": 2_000, "currency": "EUR"}}
        return await self.api.sale(chart, **(settings | fields))

    async def arena(self, seats: int) -> str:
        """Give the venue of that many seats that `onsale demo` has, made once."""
        name = f"An arena of {seats:,} seats"
        if name not in self.server.venues:
            body = {"name": name, "map": msgspec.to_builtins(arena(seats))}
            made = await self.api.good("POST", "/v1/venues", body, who=self.api.admin)
            self.server.venues[name] = made["id"]
        return self.server.venues[name]

    async def promotion(self, event: str, code: str, **fields: Any) -> None:
        """Give an event a promotion with a code; `fields` say what it does."""
        path, who = f"/v1/events/{event}/promotions", self.api.admin
        body = {"name": "For friends", **fields}
        made = await self.api.good("POST", path, body, who=who)
        codes = f"{path}/{made['id']}/codes"
        await self.api.good("POST", codes, {"code": code}, who=who)

    # Somebody else

    async def socket(self, who: Person | None = None) -> Socket:
        """Open a websocket as somebody, a new guest by default; close it at the end."""
        return await self.api.socket(who or await self.api.guest())

    async def hold(self, event: str, who: Person | None = None, **what: Any) -> Json:
        """Hold as a client over the websocket: `seats=["A-1"]`, `areas={"GA1": 2}`."""
        async with await self.socket(who) as socket:
            return await socket.ok("hold", event=event, **what)

    async def buy(self, event: str, who: Person | None = None, **what: Any) -> Json:
        """Hold, order and pay; return the order once it has its tickets."""
        who = who or await self.api.guest()
        held = await self.hold(event, who, **what)
        return await self.order(event, held["hold"], who)

    async def order(self, event: str, hold: str, who: Person) -> Json:
        """Order what is held, and pay; return the order once it has its tickets."""
        body = {"event": event, "hold": hold, "buyer": BUYER}
        order = await self.api.good("POST", "/v1/orders", body, who=who)
        if order.get("payment"):
            status, _, text = await self.gateway.choose(order["payment"]["url"], "pay")
            assert status == 303, text
        return await self.settled(order["order"], who)

    async def settled(self, order: str, who: Person) -> Json:
        """Wait until an order is confirmed and all its tickets are made."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found: Json = await self.api.good("GET", f"/v1/orders/{order}", who=who)
                places = [one for one in found["lines"] if one["kind"] != "fee"]
                if len(found["tickets"]) == len(places):
                    return found
                assert found["status"] not in ("cancelled", "refunded"), found
                await asyncio.sleep(LOOK_S)
