"""Rates, on a server of its own that was not told to lift them."""

import asyncio
import contextlib
import itertools
from urllib.parse import urlsplit

import pytest

from tests.contract.client import Api, Person, check_problem
from tests.contract.process import Server

# Every test comes from addresses of its own, so that none uses up another's rate.
ADDRESSES = (f"192.0.2.{number}" for number in itertools.count(1))
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: onsale.v1.json\r\n"
)


def api_from_new_address(server: Server) -> Api:
    return Api(server, {"X-Forwarded-For": next(ADDRESSES)})


async def keep_writing(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Write without an end, as somebody does who does not listen."""
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)


async def answers_to_flood(api: Api, who: Person, frame: bytes) -> bytes:
    """Send frames until the server closes, and read all it said."""
    address = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    own = "".join(f"{name}: {value}\r\n" for name, value in api.headers.items())
    head = f"GET /v1/ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {who.token}\r\n"
    writer.write((head + own + UPGRADE + "\r\n").encode())
    flood = None
    try:
        async with asyncio.timeout(60):
            switched = await reader.readuntil(b"\r\n\r\n")
            assert switched.startswith(b"HTTP/1.1 101 "), switched
            flood = asyncio.create_task(keep_writing(writer, frame * 20))
            return await reader.read()
    finally:
        if flood is not None:
            flood.cancel()
            await asyncio.wait([flood])
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


# Frames masked with zeros.
FLOODS = {
    "junk": b"\x81\x84\x00\x00\x00\x00junk",
    "commands": b"\x81\x96\x00\x00\x00\x00" + b'{"op":"ping", "id": 1}',
    "pings": b"\x89\x80\x00\x00\x00\x00",
    "pongs": b"\x8a\x84\x00\x00\x00\x00junk",
    "fragments": b"\x01\x80\x00\x00\x00\x00"
    + b"\x00\x80\x00\x00\x00\x00" * 5
    + b"\x80\x80\x00\x00\x00\x00",
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_ends_with_4029_and_harms_nobody(limited_server, kind):
    async with api_from_new_address(limited_server) as api:
        flooder, other = await api.guests(2)
        async with await api.socket(other) as calm:
            said = await answers_to_flood(api, flooder, FLOODS[kind])
            bye, _, close = said.partition(b'"op":"bye"')[2].rpartition(b"\x88")
            assert b"4029" in bye
            # The length of the reason, and then the code in two bytes.
            assert int.from_bytes(close[1:3], "big") == 4029
            await calm.ok("ping")


async def test_handshakes_have_a_rate_for_each_address(limited_server):
    async with api_from_new_address(limited_server) as api:
        status = 101
        for _ in range(1_000):
            async with api.session.get(
                f"{api.url}/v1/ws", headers=api.headers
            ) as tried:
                status = tried.status
            if status == 429:
                assert int(tried.headers["Retry-After"]) >= 1
                break
        assert status == 429
    async with (
        api_from_new_address(limited_server) as other,
        await other.socket(await other.guest()) as socket,
    ):
        await socket.ok("ping")


async def test_guest_tokens_have_a_rate_and_the_answer_says_when_to_retry(
    limited_server,
):
    async with api_from_new_address(limited_server) as api:
        answer = await api.request("POST", "/v1/auth/guest")
        for _ in range(2_000):
            if answer.status != 201:
                break
            answer = await api.request("POST", "/v1/auth/guest")
        problem = check_problem(answer, 429)
        assert problem["transient"] is True
        assert int(answer.headers["retry-after"]) >= 0
        assert any(name.startswith("ratelimit") for name in answer.headers)
        assert (await api.get("/livez")).status == 200
    async with api_from_new_address(limited_server) as other:
        guest = await other.guest()
        assert guest.role == "guest"


async def test_each_kind_of_client_has_a_budget_in_a_quarter_of_an_hour(
    limited_server,
):
    async with api_from_new_address(limited_server) as api:
        guest = await api.guest()
        event = await api.sale(None, capacity=5)
        list_, read = "/v1/events?q=nothing", f"/v1/events/{event}"
        answers = [await api.get(list_) for _ in range(101)]
        assert {answer.status for answer in answers[:100]} == {200}
        assert {answer.headers["ratelimit-limit"] for answer in answers} == {"100"}
        left = [int(answer.headers["ratelimit-remaining"]) for answer in answers]
        assert left == [*range(99, -1, -1), 0]
        check_problem(answers[-1], 429)
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 960
        # A guest has what is left to its address, and each buyer may still command.
        check_problem(await api.get(read, guest), 429)
        assert (await api.get(read)).status == 429
        held = await api.command(event, guest, "hold", areas={"GA": 1})
        assert held.status == 200
        assert int(held.headers["ratelimit-limit"]) > 1_000
        admin = await api.get(list_, api.admin)
        assert admin.headers["ratelimit-limit"] == "1000"
    async with api_from_new_address(limited_server) as other:
        # What is ready costs a tenth of a request, and what is left is rounded up.
        told = [await other.get(read) for _ in range(11)]
        left = [int(answer.headers["ratelimit-remaining"]) for answer in told]
        assert left == [100] * 9 + [99] * 2


async def test_what_probes_ask_has_no_budget(limited_server):
    async with api_from_new_address(limited_server) as api:
        for _ in range(110):
            assert (await api.get("/livez")).status == 200
