"""The servers that are compared: how each is started, filled and counted afterwards."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg
import msgspec
import redis.asyncio as redis
from msgspec import Struct

from bench.children import Child
from bench.lab import Lab
from bench.monitor import Count
from persistence.embedded.valkey import EmbeddedValkeyError, find_valkey

DATABASE = "bench_row_locks"


class Absent(Exception):
    """This server cannot run here; the message says in a word why."""


class Running(Struct, kw_only=True):
    """A server that is ready for the load."""

    name: str = "server"
    address: str
    secure: bool = False
    path: str = ""
    """What is read from it, in a bench of reads."""

    tokens: list[str]
    events: list[str]
    server_pids: list[int]
    store_pids: list[int] = []
    echo: bool = False
    count: Count | None = None
    """Commands and commits so far, where the server tells."""

    said: Callable[[], str] = str
    """The last lines of the server's output."""

    settle: Callable[[], Awaitable[dict[str, object]]]
    """After the load: look at what is committed; `held` is the number of seats."""

    @property
    def url(self) -> str:
        """Where its REST interface is."""
        return f"{'https' if self.secure else 'http'}://{self.address}"

    @property
    def ws_url(self) -> str:
        """Where the websocket is."""
        return f"{'wss' if self.secure else 'ws'}://{self.address}/v1/ws"


Start = Callable[[AsyncExitStack, Lab, int], Awaitable[Running]]
"""Start a server with this many events, to be stopped by the stack."""


async def start_echo(stack: AsyncExitStack, lab: Lab, events: int) -> Running:
    """A bare aiohttp websocket echo: the limit of the stack."""
    child = await start_module(stack, lab, "bench.baselines.echo")

    async def settle() -> dict[str, object]:
        return {}

    return Running(
        name="echo",
        address=await child.address(),
        tokens=_tokens(lab),
        events=_events(events),
        server_pids=[child.pid],
        said=child.said,
        echo=True,
        settle=settle,
    )


async def start_row_locks(stack: AsyncExitStack, lab: Lab, events: int) -> Running:
    """SELECT … FOR UPDATE, one transaction per command, counters in the event's row."""
    return await _start_row_locks(stack, lab, events, "lock")


async def start_row_locks_seats(
    stack: AsyncExitStack, lab: Lab, events: int
) -> Running:
    """The same without the counters: only the seats' rows are locked."""
    return await _start_row_locks(stack, lab, events, "read")


async def _start_row_locks(
    stack: AsyncExitStack, lab: Lab, events: int, event_row: str
) -> Running:
    url = await lab.make_database(DATABASE)
    stack.push_async_callback(lab.drop_database, DATABASE)
    names = _events(events)
    child = await start_module(
        stack,
        lab,
        "bench.baselines.row_locks",
        stdin=msgspec.json.encode((url, names, lab.seats_per_event)),
        env={"BENCH_EVENT_ROW": event_row},
    )

    async def settle() -> dict[str, object]:
        connection = await asyncpg.connect(url)
        try:
            held = await connection.fetchval(
                "SELECT count(*) FROM seat JOIN hold ON token = seat.hold"
                " WHERE status = 'held' AND label = ANY(seats)"
            )
        finally:
            await connection.close()
        return {"held": held}

    return Running(
        name="row locks",
        address=await child.address(),
        tokens=_tokens(lab),
        events=names,
        server_pids=[child.pid],
        said=child.said,
        store_pids=lab.store_pids,
        settle=settle,
    )


async def start_redis_script(stack: AsyncExitStack, lab: Lab, events: int) -> Running:
    """A Lua script per command in Redis or Valkey, which is not durable."""
    url = os.environ.get("REDIS_URL")
    pids: list[int] = []
    if not url:
        url, pid = await start_valkey(stack, lab)
        pids = [pid]
    client = redis.Redis.from_url(url)
    stack.push_async_callback(client.aclose)
    await _answers(client)
    names = _events(events)
    await client.delete(*(key for name in names for key in _redis_keys(name)))
    child = await start_module(
        stack,
        lab,
        "bench.baselines.redis_script",
        stdin=msgspec.json.encode((url, names, lab.seats_per_event)),
    )

    async def settle() -> dict[str, object]:
        held = sum([await client.hlen(_redis_keys(name)[1]) for name in names])
        await client.delete(*(key for name in names for key in _redis_keys(name)))
        return {"held": held}

    return Running(
        name="redis script",
        address=await child.address(),
        tokens=_tokens(lab),
        events=names,
        server_pids=[child.pid],
        said=child.said,
        store_pids=pids,
        settle=settle,
    )


async def start_valkey(stack: AsyncExitStack, lab: Lab) -> tuple[str, int]:
    """Start a Valkey that keeps nothing; return its address and its process."""
    try:
        program = find_valkey()
    except EmbeddedValkeyError as error:
        raise Absent(str(error)) from error
    socket = lab.directory / "valkey.sock"
    socket.unlink(missing_ok=True)
    store = await Child.start(
        stack,
        "valkey",
        [
            *(str(program), "--port", "0", "--unixsocket", str(socket)),
            *("--save", "", "--appendonly", "no", "--dir", str(lab.directory)),
        ],
    )
    url = f"unix://{socket}"
    client = redis.Redis.from_url(url)
    try:
        await _answers(client)
    finally:
        await client.aclose()
    return url, store.pid


async def _answers(client: "redis.Redis") -> None:
    """Wait until the store, just started, takes commands."""
    for attempt in range(100):
        try:
            await client.ping()
        except (redis.ConnectionError, redis.BusyLoadingError, FileNotFoundError):
            if attempt == 99:
                raise
            await asyncio.sleep(0.05)
        else:
            return


def _redis_keys(event: str) -> tuple[str, str]:
    return f"{{{event}}}", f"{{{event}}}:taken"


async def start_module(
    stack: AsyncExitStack,
    lab: Lab,
    module: str,
    *,
    stdin: bytes = b"",
    env: dict[str, str] | None = None,
) -> Child:
    """Start a server of ours that says its address."""
    return await Child.start(
        stack,
        module,
        [sys.executable, "-m", module],
        stdin=stdin,
        env={"BENCH_LOOP": lab.loop, **(env or {})},
    )


def _tokens(lab: Lab) -> list[str]:
    """As long as the real ones, which every handshake carries."""
    return [f"{connection:0>160}" for connection in range(lab.connections)]


def _events(count: int) -> list[str]:
    """As long as the real ids."""
    return [f"event-{number:0>16}" for number in range(count)]
