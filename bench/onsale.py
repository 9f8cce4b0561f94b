"""The real server, driven through its public interface only."""

import asyncio
import re
import secrets
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import aiohttp
import msgspec

from bench import arena
from bench.children import Child, ChildError, finish
from bench.contenders import Running
from bench.lab import Lab
from inventory import limits

DATABASE = "bench_onsale"
ADMIN = "bench@example.org"
GUESTS_AT_ONCE = 16
AUDIT_TIMEOUT_S = 300
REQUEST_TIMEOUT_S = 120

_BATCHES = re.compile(r"^onsale_batch_commands_(sum|count)(?:\{[^}]*\})? (\S+)$", re.M)


class Onsale:
    """One server process, and its REST interface.

    Over a database of its own, or over that of a `neighbour`, with which it makes a
    cluster; both are then given the same Redis.
    """

    def __init__(
        self,
        lab: Lab,
        stack: AsyncExitStack,
        redis_url: str | None = None,
        neighbour: "Onsale | None" = None,
    ) -> None:
        self._lab = lab
        self._stack = stack
        self._redis_url = redis_url
        self._url: str = "" if neighbour is None else neighbour._url
        self._place = "onsale" if neighbour is None else "onsale-neighbour"
        self._password = secrets.token_urlsafe(24)
        if neighbour is not None:
            self._password = neighbour._password
        self._session: aiohttp.ClientSession
        self._authorization = {"Authorization": ""}
        self.address = ""
        self.pid = 0
        self.child: Child | None = None

    def _command(self, *arguments: str) -> list[str]:
        place = str(self._lab.directory / self._place)
        return [
            *(sys.executable, "-m", "server", *arguments),
            *("--data-dir", place, "--database-url", self._url),
        ]

    async def start(self) -> None:
        """Start the server and log in as its administrator."""
        if not self._url:
            self._url = await self._lab.make_database(DATABASE)
            self._stack.push_async_callback(self._lab.drop_database, DATABASE)
        redis = {} if self._redis_url is None else {"REDIS_URL": self._redis_url}
        child = await Child.start(
            self._stack,
            "onsale",
            self._command("serve", "--host", "127.0.0.1", "--port", "0"),
            env={
                "ONSALE_RATE_LIMITS": "off",
                "ONSALE_ADMIN_EMAIL": ADMIN,
                "ONSALE_ADMIN_PASSWORD": self._password,
                "ONSALE_LOOP": self._lab.loop,
                **redis,
            },
        )
        self.pid = child.pid
        self.child = child
        self.address = await child.address()
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                f"http://{self.address}",
                timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S),
            )
        )
        token = await self._ask(
            "POST", "/v1/auth/login", {"email": ADMIN, "password": self._password}
        )
        self._authorization = {"Authorization": f"Bearer {token['access_token']}"}

    def said(self) -> str:
        """The last lines of its output."""
        return "" if self.child is None else self.child.said()

    async def open_sales(self, count: int) -> list[str]:
        """Open events of one venue, and let the server load each of them."""
        seats = self._lab.seats_per_event
        venue = await self._ask(
            "POST", "/v1/venues", {"name": "Arena", "map": arena.build_map(seats)}
        )
        if venue["seats"] != seats:
            raise ChildError(f"the venue has {venue['seats']} seats, not {seats}")
        starts_at = datetime.now(UTC) + timedelta(days=30)
        events = []
        for number in range(count):
            event = await self._ask(
                "POST",
                "/v1/events",
                {
                    "name": f"Night {number + 1}",
                    "venue": venue["id"],
                    "starts_at": starts_at.isoformat(),
                    "hold_ttl_s": 3600,
                    "max_per_user": limits.PER_USER_MAX,
                    "max_per_booking": 10,
                    "prices": {arena.CATEGORY: {"amount": 4500, "currency": "EUR"}},
                },
            )
            shown = await self._ask("POST", f"/v1/events/{event['id']}/publish", {})
            if shown["status"] != "on_sale":
                raise ChildError(f"a published event is {shown['status']}")
            events.append(str(event["id"]))
        return events

    async def own(self, events: list[str]) -> None:
        """Have all these events moved to this process, and wait until it has them."""
        cluster = await self._ask("GET", "/v1/cluster", None)
        (process,) = (
            one["process"] for one in cluster["processes"] if one["pid"] == self.pid
        )
        for event in events:
            move = {"event": event, "process": process}
            await self._ask("POST", "/v1/cluster/move", move)
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                while True:
                    shown = await self._ask("GET", f"/v1/events/{event}", None)
                    if shown["owner"]["process"] == process:
                        break
                    await asyncio.sleep(0.05)

    async def guests(self, count: int) -> list[str]:
        """Get a token for each buyer."""
        gate = asyncio.Semaphore(GUESTS_AT_ONCE)

        async def guest() -> str:
            async with gate:
                answer = await self._ask("POST", "/v1/auth/guest", {})
                return str(answer["access_token"])

        return await asyncio.gather(*(guest() for _ in range(count)))

    async def settle(self, events: list[str]) -> dict[str, object]:
        """Count what is held, read the batch size, and audit what was sold."""
        held = 0
        audits = {}
        for event in events:
            shown = await self._ask("GET", f"/v1/events/{event}", None)
            held_here = shown["counts"]["held"]
            if held_here:
                held += held_here
                audits[event] = await self._audit(event)
        async with self._session.get("/metrics") as answer:
            batches = dict(_BATCHES.findall(await answer.text()))
        return {
            "held": held,
            "batch": (
                round(float(batches["sum"]) / float(batches["count"]), 1)
                if float(batches.get("count", 0)) and "sum" in batches
                else None
            ),
            "audit_exit": max(audits.values(), default=None),
        }

    async def metric(self, name: str) -> float:
        """Read one plain metric."""
        async with self._session.get("/metrics") as answer:
            for line in (await answer.text()).splitlines():
                if line.startswith(f"{name} "):
                    return float(line.rpartition(" ")[2])
        raise ChildError(f"there is no metric {name}")

    async def _audit(self, event: str) -> int:
        status, _, errors = await finish(
            self._stack,
            self._command("audit", event, "--json"),
            timeout_s=AUDIT_TIMEOUT_S,
        )
        if status:
            print(errors[-2000:], file=sys.stderr)
        return status

    async def _ask(self, method: str, path: str, body: object) -> dict[str, Any]:
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


async def start_onsale(stack: AsyncExitStack, lab: Lab, events: int) -> Running:
    """Onsale itself: one actor, one fenced commit per batch."""
    server = Onsale(lab, stack)
    await server.start()
    names = await server.open_sales(events)

    async def settle() -> dict[str, object]:
        return await server.settle(names)

    return Running(
        address=server.address,
        tokens=await server.guests(lab.connections),
        events=names,
        server_pids=[server.pid],
        said=server.said,
        store_pids=lab.store_pids,
        settle=settle,
    )
