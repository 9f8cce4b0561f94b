"""What the bench asks of a running server of ours over REST, as its administrator."""

import asyncio
import os
import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from io import BytesIO
from math import inf
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from bench import arena
from bench.children import ChildError
from bench.lab import Lab
from inventory import limits

ASKED_AT_ONCE = 16
REQUEST_TIMEOUT_S = 120
AUDITED_MAX = 5
"""Of many events, the audits of these speak for all; their counts are all compared."""

_BATCHES = re.compile(r"^onsale_batch_commands_(sum|count)(?:\{[^}]*\})? (\S+)$", re.M)


class Office:
    """An administrator who is logged in at a server."""

    def __init__(self, lab: Lab, stack: AsyncExitStack) -> None:
        self.address = ""
        self.secure = False
        self._lab = lab
        self._stack = stack
        self._session: aiohttp.ClientSession
        self._authorization = {"Authorization": ""}
        self._account: dict[str, str] = {}
        self._log_in_again_at = inf
        """A run may take longer than an administrator's token lasts."""
        self._before = (0.0, 0.0)
        """Commands and commits before the load."""

    async def log_in(self, url: str, email: str, password: str) -> None:
        """Take up the conversation."""
        parts = urlsplit(url)
        self.address, self.secure = parts.netloc, parts.scheme == "https"
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                url, timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
            )
        )
        self._account = {"email": email, "password": password}
        await self._log_in()

    async def _log_in(self) -> None:
        self._log_in_again_at = inf
        token = await self.ask("POST", "/v1/auth/login", self._account)
        self._authorization = {"Authorization": f"Bearer {token['access_token']}"}
        self._log_in_again_at = monotonic() + token["expires_in"] / 2

    async def open_sales(self, count: int, **settings: object) -> list[str]:
        """Open events of one venue, and let the server load each of them."""
        seats = self._lab.seats_per_event
        arena_map = arena.build_map(seats)
        venue = await self.ask(
            "POST", "/v1/venues", {"name": "Arena", "map": arena_map}
        )
        if venue["seats"] != seats:
            raise ChildError(f"the venue has {venue['seats']} seats, not {seats}")
        gate = asyncio.Semaphore(ASKED_AT_ONCE)

        async def open_one(number: int) -> str:
            async with gate:
                return await self._open_sale(number, venue["id"], settings)

        opened = await asyncio.gather(*(open_one(number) for number in range(count)))
        self._before = await self.count()
        return opened

    async def _open_sale(
        self, number: int, venue: str, settings: dict[str, object]
    ) -> str:
        starts_at = datetime.now(UTC) + timedelta(days=30)
        usual = {
            "name": f"Bench night {number + 1}",
            "venue": venue,
            "starts_at": starts_at.isoformat(),
            "hold_ttl_s": 3600,
            "max_per_user": limits.PER_USER_MAX,
            "max_per_booking": 10,
            "prices": {arena.CATEGORY: {"amount": 4500, "currency": "EUR"}},
        }
        event = await self.ask("POST", "/v1/events", {**usual, **settings})
        path = f"/v1/events/{event['id']}"
        shown = await self.ask("POST", f"{path}/publish", {})
        if shown["status"] != "on_sale":
            raise ChildError(f"a published event is {shown['status']}")
        if self._lab.target:
            # A server that stays should not be left with sales that nobody wants.
            self._stack.push_async_callback(self.ask, "POST", f"{path}/close", {})
        return str(event["id"])

    async def guests(self, count: int) -> list[str]:
        """Get a token for each buyer."""
        gate = asyncio.Semaphore(ASKED_AT_ONCE)

        async def guest() -> str:
            async with gate:
                answer = await self.ask("POST", "/v1/auth/guest", {})
                return str(answer["access_token"])

        return await asyncio.gather(*(guest() for _ in range(count)))

    async def settle(self, events: list[str]) -> dict[str, object]:
        """Count what is held, read the batch size, and audit what was sold."""
        counts = [
            (await self.ask("GET", f"/v1/events/{event}", None))["counts"]
            for event in events
        ]
        touched = [
            event
            for event, count in zip(events, counts, strict=True)
            if count["held"] or count["booked"]
        ]
        audited = touched[:: -(-len(touched) // AUDITED_MAX)] if touched else []
        receipts = [
            await self.ask("GET", f"/v1/events/{event}/audit", None)
            for event in audited
        ]
        commands, commits = await self.count()
        commands, commits = commands - self._before[0], commits - self._before[1]
        return {
            "held": sum(count["held"] for count in counts),
            "booked": sum(count["booked"] for count in counts),
            "batch": round(commands / commits, 1) if commits else None,
            "audit": {
                "events": len(touched),
                "audited": len(audited),
                "ok": all(receipt["ok"] for receipt in receipts),
            },
        }

    async def count(self) -> tuple[float, float]:
        """Commands and commits of the server so far."""
        async with self._session.get("/metrics") as answer:
            found = _BATCHES.findall(await answer.text())
        # Of each worker, where there are several.
        totals = {"sum": 0.0, "count": 0.0}
        for name, value in found:
            totals[name] += float(value)
        return totals["sum"], totals["count"]

    async def metrics(self) -> str:
        """Read all metrics, as they are written."""
        async with self._session.get("/metrics") as answer:
            return await answer.text()

    async def metric(self, name: str) -> float:
        """Read one metric, summed over the workers where there are several."""
        lines = (await self.metrics()).splitlines()
        shown = (f"{name} ", f"{name}{{")
        found = [line.rpartition(" ")[2] for line in lines if line.startswith(shown)]
        if not found:
            raise ChildError(f"there is no metric {name}")
        return sum(map(float, found))

    async def ask(self, method: str, path: str, body: object) -> dict[str, Any]:
        """Ask for something, and raise `ChildError` where it is refused."""
        if monotonic() >= self._log_in_again_at:
            await self._log_in()
        async with self._session.request(
            method,
            path,
            data=None if body is None else BytesIO(msgspec.json.encode(body)),
            headers={"Content-Type": "application/json", **self._authorization},
        ) as answer:
            text = await answer.read()
            if answer.status >= 300:
                raise ChildError(f"{method} {path}: {answer.status} {text[:500]!r}")
            shown: dict[str, Any] = msgspec.json.decode(text)
            return shown


async def visit(lab: Lab, stack: AsyncExitStack) -> Office:
    """Log in at the server that the bench was pointed to."""
    assert lab.target is not None
    email = os.environ.get("ONSALE_ADMIN_EMAIL")
    password = os.environ.get("ONSALE_ADMIN_PASSWORD")
    if not email or not password:
        raise ChildError(
            "A target needs its administrator in ONSALE_ADMIN_EMAIL and"
            " ONSALE_ADMIN_PASSWORD: the bench makes events and audits them."
        )
    office = Office(lab, stack)
    try:
        await office.log_in(lab.target.rstrip("/"), email, password)
        health = await office.ask("GET", "/health", None)
    except aiohttp.ClientError as error:
        raise ChildError(f"{lab.target} does not answer: {error}") from error
    if health.get("rate_limits") != "off":
        raise ChildError(
            f"{lab.target} limits rates, so that one address cannot load it. Start it"
            " with ONSALE_RATE_LIMITS=off."
        )
    return office
