"""Who pretends to be somebody else, and who takes more than an address is given."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from server.ops.health.kept import MADE_BURST, MADE_PER_S
from server.transport.ratelimit.request_limits import (
    ADDRESS_LOGINS_BURST,
    COMMANDS_MAX,
    LOGINS_BURST,
    PUBLIC_MAX,
    SHOWN_BURST,
)
from tests.contract.client import Api
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD, Server
from tests.security.wire import CLOSE, CONTINUATION, PING, TEXT, Ended, Raw, frame

GUESSES = 60
TOKEN = "what only the scraper knows"
SOCKETS = 4
EMPTY = frame(CONTINUATION, fin=False)
PIECES = {
    "empty fragments": frame(TEXT, fin=False) + EMPTY * 4_000,
    "pings": frame(PING) * 4_000,
    "junk": frame(TEXT, b"?") * 4_000,
}
SHOWN = ["/metrics", "/health", "/docs", "/asyncapi.json"]
WRITES_MAX = 4_000
"""Of so many frames each: far more than any connection is let do."""

log = structlog.get_logger()


@pytest.fixture(scope="module")
def proxied() -> Iterator[Server]:
    """Run one behind a proxy, which is us, that writes `X-Forwarded-For`."""
    server = Server(
        rate_limits=True,
        ONSALE_TRUSTED_PROXIES="127.0.0.1",
        ONSALE_METRICS_TOKEN=TOKEN,
    )
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
async def api(proxied: Server) -> AsyncIterator[Api]:
    async with Api(proxied) as api:
        yield api


LIES = {
    "of the standard": {"Forwarded": "for={claim}"},
    "before the proxy's": {"X-Forwarded-For": "{claim}, {attacker}"},
    "of others": {
        "X-Real-IP": "{claim}",
        "CF-Connecting-IP": "{claim}",
        "True-Client-IP": "{claim}",
        "X-Client-IP": "{claim}",
        "X-Cluster-Client-IP": "{claim}",
        "X-Forwarded-Host": "{claim}",
        "X-Forwarded": "for={claim}",
        "Via": "1.1 {claim}",
    },
}


@pytest.mark.attack
@pytest.mark.parametrize("kind", LIES)
async def test_guesses(api, kind):
    """Sixty guesses from one address stop at ten, whoever it says that it is."""
    number_of_kind = [*LIES].index(kind)
    attacker = f"198.51.100.{1 + number_of_kind}"
    body = {"email": f"{number_of_kind}@example.org", "password": "a wrong guess"}
    statuses = []
    for number in range(GUESSES):
        headers = {"X-Forwarded-For": attacker}
        for name, lie in LIES[kind].items():
            claim = f"203.0.113.{number}"
            headers[name] = lie.format(claim=claim, attacker=attacker)
        answer = await api.request("POST", "/v1/auth/login", body, headers=headers)
        statuses.append(answer.status)
    # In the time that the guesses take, one or two more may be let through.
    looked_at = statuses.count(401)
    assert LOGINS_BURST <= looked_at <= LOGINS_BURST + 2
    assert statuses.count(429) == GUESSES - looked_at


@pytest.mark.attack
async def test_locking_out(api):
    """Nobody who guesses at an account keeps its owner from signing in elsewhere."""
    for number in range(ADDRESS_LOGINS_BURST + 20):
        headers = {
            "X-Forwarded-For": "198.51.100.50",
            "Forwarded": f"for=203.0.113.{number}",
        }
        body = {"email": ADMIN_EMAIL, "password": "a wrong guess"}
        await api.request("POST", "/v1/auth/login", body, headers=headers)
    headers = {"X-Forwarded-For": "203.0.113.7"}
    body = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
    answer = await api.request("POST", "/v1/auth/login", body, headers=headers)
    assert answer.status == 200


@pytest.mark.attack
async def test_guests(proxied):
    """Forty guests of one address have the budget of one, for reads and commands."""
    mine = {"X-Forwarded-For": "198.51.100.60"}
    async with Api(proxied, mine) as api:
        guests = await api.guests(40)
        read, left = 0, set()
        for number in range(PUBLIC_MAX + 20):
            guest = guests[number % len(guests)]
            answer = await api.get("/v1/bookings", guest)
            read += answer.status == 200
            left.add(answer.headers["ratelimit-limit"])
        assert read == PUBLIC_MAX
        assert left == {str(PUBLIC_MAX)}
        event = await api.sale(None, capacity=5)
        told = [
            await api.command(event, guest, "hold", areas={"GA": 1}) for guest in guests
        ]
        remaining = [int(one.headers["ratelimit-remaining"]) for one in told]
        assert remaining == [COMMANDS_MAX - 1 - n for n in range(len(guests))]


@pytest.mark.attack
@pytest.mark.parametrize("kind", PIECES)
async def test_pieces(proxied, kind):
    """Four sockets that flood end with 4029, and a buyer is served all the while."""
    server = proxied
    async with Api(server, {"X-Forwarded-For": "198.51.100.70"}) as api:
        buyer, flooder = await api.guests(2)
        event = await api.sale(None, capacity=5)
        slowest_s = 0.0
        async with await api.socket(buyer) as calm:
            raws = [await Raw.open(server.url, flooder.token) for _ in range(SOCKETS)]
            floods = [asyncio.create_task(flood(raw, PIECES[kind])) for raw in raws]
            while not all(one.done() for one in floods):
                asked = time.perf_counter()
                held = await calm.ok("hold", event=event, areas={"GA": 1})
                await calm.ok("release", event=event, hold=held["hold"])
                slowest_s = max(slowest_s, time.perf_counter() - asked)
                # Below its own rate.
                await asyncio.wait(floods, timeout=0.05)
            codes = [one.result() for one in floods]
        log.info("the buyer's slowest turn", ms=round(slowest_s * 1_000))
        assert codes == [4029] * SOCKETS


async def flood(raw: Raw, pieces: bytes) -> int:
    """Send until the server ends it; give the code that it says."""
    telling = asyncio.create_task(code_of(raw))
    try:
        for _ in range(WRITES_MAX):
            if telling.done():
                break
            raw.send(pieces)
            await asyncio.wait(
                [asyncio.create_task(raw.writer.drain()), telling],
                return_when=asyncio.FIRST_COMPLETED,
            )
        return await telling
    finally:
        raw.abort()


async def code_of(raw: Raw) -> int:
    """Read until the server says goodbye."""
    while True:
        try:
            opcode, payload = await raw.read()
        except Ended:
            return 0
        if opcode == CLOSE:
            return int.from_bytes(payload[:2], "big")


@pytest.mark.attack
async def test_metrics_for_strangers(api):
    """Nobody reads the metrics without their token, nor with a part of it."""
    for shown in (None, "", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é" * 20):
        value = None if shown is None else f"Bearer {shown}"
        headers = {"X-Forwarded-For": "198.51.100.80"}
        if value is not None:
            headers["Authorization"] = value
        answer = await api.request("GET", "/metrics", headers=headers)
        assert answer.status == 401
        assert b"onsale_" not in answer.raw
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "198.51.100.81"}
    answer = await api.request("GET", "/metrics", headers=headers)
    assert answer.status == 200
    assert b"onsale_" in answer.raw


@pytest.mark.attack
@pytest.mark.parametrize("path", SHOWN)
async def test_what_anybody_is_shown(api, path):
    """Reading what all may see ends with a refusal, and costs little before it."""
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "X-Forwarded-For": f"198.51.100.{90 + SHOWN.index(path)}",
    }
    began = time.monotonic()
    shown: list[bytes] = []

    async def read() -> int:
        async with api.session.get(api.url + path, headers=headers) as answer:
            if answer.status == 200:
                shown.append(await answer.read())
            return int(answer.status)

    statuses: list[int] = []
    while 429 not in statuses:
        assert len(statuses) < 20 * SHOWN_BURST
        statuses += await asyncio.gather(*(read() for _ in range(100)))
    assert set(statuses) == {200, 429}
    assert len(shown) >= SHOWN_BURST
    lasted_s = time.monotonic() - began
    assert len(set(shown)) <= MADE_BURST + 1 + lasted_s * MADE_PER_S
    # Whoever restarts what does not answer asks elsewhere.
    assert (await api.request("GET", "/livez", headers=headers)).status == 200
