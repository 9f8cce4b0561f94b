"""How one simulated buyer pays: orders, goes to the gateway's page, comes back.

What they have at the end is what the order says; `paid` is what they saw leave their
account, and not what the server says of it.
"""

import asyncio
from random import Random
from typing import Any, Final

import aiohttp
from msgspec import Struct

from server.transport.client.websocket import Client, GaveUpError

DECLINED_SHARE: Final = 0.03
LEFT_SHARE: Final = 0.03
TWICE_SHARE: Final = 0.05
"""Whose bank says no at first, who go back without paying, who click twice."""

ENDS: Final = frozenset({"confirmed", "completed", "cancelled", "refunded"})
ASK_EVERY_S: Final = 3.0
ASKED_MAX: Final = 20
"""The server tells when an order moves on; whoever misses that asks."""


class Bought(Struct, frozen=True):
    """What became of a hold; `code` is why it is no booking, empty where it is one."""

    code: str = ""
    order: dict[str, Any] | None = None
    paid: int = 0
    declined: int = 0


class Cashier:
    """Pays for one buyer."""

    def __init__(self, http: aiohttp.ClientSession, line: Client, random: Random):
        self._http = http
        self._line = line
        self._random = random

    async def buy(self, event: str, hold: str) -> Bought:
        """Order a hold and pay it, mostly. Raises GaveUpError."""
        body = {"event": event, "hold": hold}
        order = await self._line.post("/v1/orders", body)
        if "code" in order:
            return Bought(code=order["code"])
        draw = self._random.random()
        if draw < LEFT_SHARE:
            left = await self._line.post(f"/v1/orders/{order['order']}/cancel")
            return Bought(code=left.get("code", "left"))
        declined = 0
        if draw > 1 - DECLINED_SHARE:
            await self._choose(order, "decline")
            declined = 1
            order = await self._line.post(f"/v1/orders/{order['order']}/payments")
            if "code" in order:
                return Bought(code=order["code"], declined=declined)
        clicks = 2 if self._random.random() < TWICE_SHARE else 1
        with self._line.hearing("order", order["order"], ENDS) as told:
            await asyncio.gather(*(self._choose(order, "pay") for _ in range(clicks)))
            paid = order["total"]["amount"]
            ended = await self._wait(order["order"], told)
        return Bought(order=ended, paid=paid, declined=declined)

    async def _choose(self, order: dict[str, Any], outcome: str) -> None:
        """Choose at the gateway's page, as its form does. Raises GaveUpError."""
        if order["payment"] is None:
            raise GaveUpError(f"Order {order['order']} has no page to pay at.")
        url = order["payment"]["url"]
        try:
            async with self._http.post(
                url, data={"outcome": outcome}, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise GaveUpError(f"The gateway does not answer: {error!r}") from error
        if status != 303:
            raise GaveUpError(f"The gateway answered {status} to {outcome}.")

    async def _wait(self, order: str, told: asyncio.Future[None]) -> dict[str, Any]:
        """Return an order when it has come to an end. Raises GaveUpError."""
        for _ in range(ASKED_MAX):
            await asyncio.wait([told], timeout=ASK_EVERY_S)
            found = await self._line.get(f"/v1/orders/{order}")
            if found.get("status") in ENDS:
                return found
        raise GaveUpError(f"Order {order} was paid, and is still not confirmed.")
