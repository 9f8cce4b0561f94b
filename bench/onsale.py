"""The real server, driven through its public interface only."""

import asyncio
import secrets
import sys
from contextlib import AsyncExitStack

from bench.children import Child
from bench.contenders import Running
from bench.lab import Lab
from bench.office import REQUEST_TIMEOUT_S, Office, visit

DATABASE = "bench_onsale"
ADMIN = "bench@example.org"


class Onsale(Office):
    """One server process, and its REST interface.

    Over a database of its own, or over that of a `neighbour`, with which it makes a
    cluster; both are then given the same Redis. A `revived` one, which was killed, is
    started again on all that it left. `settings` come beside those of every bench.
    """

    def __init__(
        self,
        lab: Lab,
        stack: AsyncExitStack,
        redis_url: str | None = None,
        neighbour: "Onsale | None" = None,
        revived: "Onsale | None" = None,
        settings: dict[str, str] | None = None,
    ) -> None:
        super().__init__(lab, stack)
        self._redis_url = redis_url
        self._settings = settings or {}
        former = neighbour or revived
        self.database_url: str = former.database_url if former else ""
        self._place = "onsale" if neighbour is None else "onsale-neighbour"
        self._password: str = former._password if former else secrets.token_urlsafe(24)
        self.pid = 0
        self.child: Child | None = None

    async def start(self) -> None:
        """Start the server and log in as its administrator."""
        if not self.database_url:
            self.database_url = await self._lab.make_database(DATABASE)
            self._stack.push_async_callback(self._lab.drop_database, DATABASE)
        redis = {} if self._redis_url is None else {"REDIS_URL": self._redis_url}
        place = str(self._lab.directory / self._place)
        child = await Child.start(
            self._stack,
            "onsale",
            [
                *(sys.executable, "-m", "server", "serve"),
                *("--host", "127.0.0.1", "--port", "0"),
                *("--data-dir", place, "--database-url", self.database_url),
            ],
            env={
                "ONSALE_RATE_LIMITS": "off",
                "ONSALE_ADMIN_EMAIL": ADMIN,
                "ONSALE_ADMIN_PASSWORD": self._password,
                "ONSALE_LOOP": self._lab.loop,
                **redis,
                **self._settings,
            },
        )
        self.pid = child.pid
        self.child = child
        await self.log_in(f"http://{await child.address()}", ADMIN, self._password)

    def said(self) -> str:
        """The last lines of its output."""
        return "" if self.child is None else self.child.said()

    async def own(self, events: list[str]) -> None:
        """Have all these events moved to this process, and wait until it has them."""
        cluster = await self.ask("GET", "/v1/cluster", None)
        (process,) = (
            one["process"] for one in cluster["processes"] if one["pid"] == self.pid
        )
        for event in events:
            move = {"event": event, "process": process}
            await self.ask("POST", "/v1/cluster/move", move)
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                while True:
                    shown = await self.ask("GET", f"/v1/events/{event}", None)
                    if shown["owner"]["process"] == process:
                        break
                    await asyncio.sleep(0.05)


async def open_office(
    stack: AsyncExitStack, lab: Lab
) -> tuple[Office, list[int], list[int]]:
    """Start the server, or visit the target; with the processes of it and its store."""
    if lab.target is not None:
        return await visit(lab, stack), [], []
    server = Onsale(lab, stack)
    await server.start()
    return server, [server.pid], lab.store_pids


async def start_onsale(stack: AsyncExitStack, lab: Lab, events: int) -> Running:
    """Onsale itself: one actor, one fenced commit per batch."""
    office, server_pids, store_pids = await open_office(stack, lab)
    names = await office.open_sales(events)

    async def settle() -> dict[str, object]:
        return await office.settle(names)

    return Running(
        name="onsale",
        address=office.address,
        secure=office.secure,
        tokens=await office.guests(lab.connections),
        events=names,
        server_pids=server_pids,
        said=office.said if isinstance(office, Onsale) else str,
        store_pids=store_pids,
        count=office.count,
        settle=settle,
    )
