"""A shop, its gateway, its Postgres: a process each, and what stands between them."""

import asyncio
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec

from server.shop.payments.gateway.machine import Giving, Sitting
from tests.contract.client import Api
from tests.contract.process import Server
from tests.faults.orders.between import Between
from tests.faults.orders.halts import Halts
from tests.scratch import make_folder
from tests.server.shop.payments.gateway_process import SECRET, GatewayProcess

Json = dict[str, Any]
PAY_S = 60


class Parts:
    """All of it; the server keeps its port, so that its buyers find it again."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self.folder = make_folder("kills")
        self.gateway = GatewayProcess(self.folder)
        self.asked, self.told = Between(), Between()
        """What the shop asks the gateway; what the gateway tells the shop."""
        self.halts: Halts
        self.db: Any = None
        self.server: Server
        self.kills = 0

    async def start(self) -> None:
        """Start the gateway, then the server."""
        self.halts = await Halts.open(self.database_url)
        self.db = await asyncpg.create_pool(self.database_url, min_size=1, max_size=4)
        await self.asked.open()
        await self.told.open()
        await asyncio.to_thread(self.gateway.start)
        self.asked.target = self.gateway.url
        self.server = Server(
            DATABASE_URL=self.database_url,
            ONSALE_GATEWAY_URL=self.asked.url,
            ONSALE_GATEWAY_SECRET=SECRET,
            ONSALE_PUBLIC_URL=self.told.url,
        )
        await self.start_server()

    async def start_server(self) -> None:
        """Start it, at the address that it had."""
        await asyncio.to_thread(self.server.start)
        self.told.target = self.server.url
        self.server.port = int(self.server.url.rpartition(":")[2])

    async def kill(self) -> None:
        """End the server the hard way, and decide what becomes of what it had begun."""
        self.kills += 1
        await asyncio.to_thread(self.server.kill)
        await self.halts.decide()
        self.asked.let_go()
        self.told.let_go()

    async def close(self) -> None:
        """End everything."""
        if hasattr(self, "server"):
            await asyncio.to_thread(self.server.remove)
        if self.gateway.process is not None and self.gateway.process.poll() is None:
            await asyncio.to_thread(self.gateway.end)
        await self.asked.close()
        await self.told.close()
        await self.db.close()
        await self.halts.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def rows(self, sql: str, *values: object) -> list[Any]:
        """Read from the shop's database."""
        found: list[Any] = await self.db.fetch(sql, *values)
        return found

    def books(self) -> tuple[list[Sitting], list[Giving]]:
        """Read what the gateway has in its file: all sessions, all refunds."""
        path = next(Path(self.folder).rglob("gateway.sqlite"))
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            rows = file.execute("SELECT kind, body FROM record ORDER BY number")
            kept: dict[str, list[bytes]] = {}
            for kind, body in rows:
                kept.setdefault(kind, []).append(body)
        return (
            [msgspec.msgpack.decode(b, type=Sitting) for b in kept.get("session", [])],
            [msgspec.msgpack.decode(b, type=Giving) for b in kept.get("refund", [])],
        )

    def waiting_messages(self) -> int:
        """Return how many webhooks the gateway has not got rid of."""
        path = next(Path(self.folder).rglob("gateway.sqlite"))
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            found = file.execute("SELECT count(*) FROM record WHERE kind = 'message'")
            return int(found.fetchone()[0])

    def hasten_messages(self) -> None:
        """Let what the gateway tells again later be due when it looks next.

        It waits twice as long after each failure, five minutes at last.
        """
        path = next(Path(self.folder).rglob("gateway.sqlite"))
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("UPDATE record SET due_ms = 0 WHERE kind = 'message'")

    async def choose(self, url: str, outcome: str) -> int:
        """Choose at a page of the gateway; 0 where it is not there."""
        try:
            return (await self.gateway.choose(url, outcome))[0]
        except (aiohttp.ClientError, OSError):
            return 0


@asynccontextmanager
async def parts_at(database_url: str) -> AsyncIterator[Parts]:
    """Start all of it for a block; show the server's log where that fails."""
    parts = Parts(database_url)
    try:
        await parts.start()
        yield parts
    except BaseException:
        if hasattr(parts, "server"):
            sys.stderr.write(parts.server.log()[-8_000:])
        raise
    finally:
        await parts.close()


def ref_of(url: str) -> str:
    """Return the session that a page of the gateway is of."""
    return url.rpartition("/")[2]


async def sale_of(api: Api, chart: str = "small", **more: Any) -> str:
    """Put an event on sale that has to be paid first, in the shortest time there is."""
    settings = {"payment": "required", "pay_s": PAY_S, "max_per_user": 1_000} | more
    return await api.sale(chart, **settings)
