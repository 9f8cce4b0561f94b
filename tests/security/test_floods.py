"""Too many connections, too many frames, and clients that leave at the worst moment."""

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from server.base import limits
from tests.contract.client import Api
from tests.security.frame_fuzzer import errors_in, memory_of
from tests.security.wire import CLOSE, PING, TEXT, Ended, Raw, frame

VANISHING = 100
PINGS_BYTES = 32 << 20
MEMORY_GROWN_MAX = 4 << 20
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
READS_MAX = 20
"""In so few come 200 frames that were sent at once."""


@asynccontextmanager
async def crowd(url: str, count: int) -> AsyncIterator[list[Raw]]:
    """Give that many connections, made at once."""
    made = await asyncio.gather(*(Raw.connect(url) for _ in range(count)))
    try:
        yield made
    finally:
        for raw in made:
            raw.abort()
        # The loop closes the sockets when it comes round.
        await asyncio.sleep(0)


async def is_served(raw: Raw) -> bool:
    try:
        return await raw.ask(LIVEZ) == 200
    except Ended:
        return False


@pytest.mark.slow
async def test_an_address_gets_no_more_connections_than_its_share(strict_server):
    start = strict_server.log_size()
    async with Api(strict_server) as api:
        buyer = await api.guest()
        event = await api.sale("small")
        async with await api.socket(buyer) as socket:
            cap = limits.CONNECTIONS_PER_ADDRESS_MAX
            async with crowd(strict_server.url, cap + 200) as them:
                # These were there before, and so they are served all the time.
                held = await socket.ok("hold", event=event, seats=["A-1"])
                served = await asyncio.gather(*(is_served(raw) for raw in them))
                await socket.ok("book", event=event, hold=held["hold"])
            assert cap - 50 <= sum(served) <= cap
            deadline = time.monotonic() + 60
            while not await one_more_is_served(strict_server.url):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
    assert errors_in(strict_server.log_path.read_bytes()[start:].decode()) == []


async def one_more_is_served(url: str) -> bool:
    async with crowd(url, 1) as (raw,):
        return await is_served(raw)


async def replies(raw: Raw) -> AsyncIterator[dict[str, object]]:
    """Give what comes until the server closes; the close frame's code is the last."""
    while True:
        opcode, payload = await raw.read()
        if opcode == CLOSE:
            yield {"op": "close", "code": int.from_bytes(payload[:2], "big")}
            return
        if opcode == TEXT:
            yield raw.decode(payload)


async def test_commands_beyond_the_rate_do_nothing_and_others_go_on(strict_server):
    async with Api(strict_server) as api:
        other = await api.guest()
        event = await api.sale(chart=None, capacity=1_000)
        said: Counter[object] = Counter()
        calm_s: list[float] = []
        began = time.monotonic()
        async with await api.socket(other) as calm:
            # An organiser, because nobody else may take so much.
            raw = await Raw.open(strict_server.url, api.admin.token)
            for number in range(2_000):
                block = {"op": "block", "id": number, "event": event}
                raw.send(raw.encode(block | {"areas": {"GA": 1}}))
            flood = asyncio.create_task(count(raw, said))
            while not flood.done():
                asked = time.perf_counter()
                held = await calm.ok("hold", event=event, areas={"GA": 1})
                calm_s.append(time.perf_counter() - asked)
                await calm.ok("release", event=event, hold=held["hold"])
                # Below its own rate.
                await asyncio.wait([flood], timeout=0.05)
            await flood
            raw.abort()
            # The event decides in turn: after this, all that the flood asked for.
            held = await calm.ok("hold", event=event, areas={"GA": 1})
            last = await calm.ok("release", event=event, hold=held["hold"])
        lasted_s = time.monotonic() - began
        assert said["close", 4029] == said["bye", 4029] == 1
        assert said["refused", "overloaded"] >= limits.FLOOD_REFUSALS_MAX
        allowed = limits.COMMANDS_BURST + lasted_s * limits.COMMANDS_PER_S
        areas = (await api.availability(event, last["version"]))["areas"]
        # The last ones were decided, but their answers came after the end.
        blocked = areas["GA"]["blocked"]
        assert blocked - limits.IN_FLIGHT_MAX <= said["ok", None] <= blocked
        # No frame but these was sent, so all of the burst went to them; or to reads
        # that ended within one, which count alike.
        assert limits.COMMANDS_BURST - READS_MAX <= blocked <= allowed
        assert statistics.median(calm_s) < 1
        await api.audit(event)


async def count(raw: Raw, said: Counter[object]) -> None:
    async for reply in replies(raw):
        said[reply["op"], reply.get("code")] += 1


async def test_pings_whose_answers_nobody_reads_are_not_kept(server, api):
    """Also with rates lifted, which lifts no other limit."""
    assert server.process is not None
    pid = server.process.pid
    guest = await api.guest()
    async with await api.socket(guest) as calm:
        await calm.ok("ping")
        before = memory_of(pid)
        raw = await Raw.open(server.url, guest.token)
        transport = cast(asyncio.Transport, raw.writer.transport)
        transport.pause_reading()
        pings = frame(PING, b"x" * 125) * 100
        sent = 0
        # Until it is not read any more, or has said far more than may be kept for it.
        while sent < PINGS_BYTES and not transport.get_write_buffer_size():
            raw.send(pings)
            sent += len(pings)
            await calm.ok("ping")
        grown = memory_of(pid) - before
        raw.abort()
        await calm.ok("ping")
    assert sent < PINGS_BYTES
    assert grown < MEMORY_GROWN_MAX


async def leave(api: Api, token: str, event: str, number: int) -> None:
    """Ask for something, over one way or the other, and be gone before the answer."""
    hold = {"op": "hold", "id": 1, "event": event, "areas": {"GA": 1}, "key": "once"}
    if number % 2:
        raw = await Raw.open(api.url, token)
        raw.send(raw.encode(hold))
    else:
        raw = await Raw.connect(api.url)
        body = json.dumps({"op": "hold", "areas": {"GA": 1}}).encode()
        raw.send(
            b"POST /v1/events/%s/commands HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer %s\r\nIdempotency-Key: once\r\n"
            b"Content-Length: %d\r\n\r\n" % (event.encode(), token.encode(), len(body)),
            body,
        )
    # From at once to about when the answer comes, so that some hit every moment.
    await asyncio.sleep(number % 10 * 0.001)
    if number % 4 < 2:
        raw.abort()
    else:
        raw.writer.close()
    await asyncio.sleep(0)


async def test_commands_of_clients_that_leave_are_decided_exactly_once(server, api):
    start = server.log_size()
    event = await api.sale(chart=None, capacity=VANISHING)
    first = (await api.availability(event))["version"]
    guests = await api.guests(VANISHING)
    leaving = (leave(api, who.token, event, n) for n, who in enumerate(guests))
    await asyncio.gather(*leaving)
    # Those who closed in order were heard in any case, and nobody waits for an answer.
    await api.availability(event, first + VANISHING // 4)
    holds = set()
    for who in guests:
        fields = {"areas": {"GA": 1}, "idempotency_key": "once"}
        once = await api.ok(event, who, "hold", **fields)
        again = await api.ok(event, who, "hold", **fields)
        assert again["hold"] == once["hold"]
        assert once["total"] == again["total"]
        holds.add(once["hold"])
    assert len(holds) == VANISHING
    board = await api.availability(event, first + VANISHING)
    assert board["version"] == first + VANISHING
    assert board["areas"]["GA"]["held"] == VANISHING
    await api.audit(event)
    assert errors_in(server.log_path.read_bytes()[start:].decode()) == []
