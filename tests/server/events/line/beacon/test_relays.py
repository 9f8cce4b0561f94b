"""Relays that are late, lie, or are gone: a round is had from one that is not."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import web

from inventory.line.draw import randomness_of, time_of
from server.events.line.beacon.relay import OwnBeacon, make_app
from server.events.line.beacon.relays import (
    ANSWER_BYTES_MAX,
    Relays,
    learn,
)
from server.events.line.beacon.rounds import RoundUnavailable

OWN = OwnBeacon(b"a secret", genesis_s=1_700_000_000)
CHAIN = OWN.beacon.chain
OTHER = OwnBeacon(b"another secret", genesis_s=1_700_000_000)
NUMBER = 5
DUE = time_of(OWN.beacon, NUMBER)
PATIENT_S = 60.0
IMPATIENT_S = 0.2

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Street(AsyncExitStack):
    """Relays on loopback: ours, and those that answer as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def ours(self, at_ms: int = DUE, own: OwnBeacon = OWN) -> str:
        return await self._serve(make_app(own, lambda: at_ms))

    async def bent(self, handler: Handler) -> str:
        app = web.Application()
        app.router.add_get("/{path:.*}", handler)
        return await self._serve(app)

    async def says(self, body: bytes, status: int = 200, **headers: str) -> str:
        async def handler(_: web.Request) -> web.Response:
            return web.Response(body=body, status=status, headers=headers)

        return await self.bent(handler)

    async def gone(self) -> str:
        async with Street() as street:
            return await street.ours()

    async def relays(self, *urls: str, timeout_s: float = PATIENT_S) -> Relays:
        relays = Relays(OWN.beacon, urls, timeout_s=timeout_s)
        self.push_async_callback(relays.close)
        return relays

    async def _serve(self, app: web.Application) -> str:
        async def note(request: web.Request, _: web.StreamResponse) -> None:
            self.asked.append(request.host)

        app.on_response_prepare.append(note)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        self.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return site.name


def told(number: int, signature: bytes) -> bytes:
    return json.dumps({"round": number, "signature": signature.hex()}).encode()


@pytest.fixture
async def street():
    async with Street() as made:
        yield made


async def test_a_round_is_had_when_it_is_out_and_not_before(street):
    early = await street.relays(await street.ours(DUE - 1))
    with pytest.raises(RoundUnavailable):
        await early.fetch(NUMBER)
    assert await early.newest() == NUMBER - 1
    due = await street.relays(await street.ours(DUE))
    assert await due.fetch(NUMBER) == OWN.sign(NUMBER)
    assert await due.fetch(1) == OWN.sign(1)
    assert await due.newest() == NUMBER
    assert due.verify(NUMBER, OWN.sign(NUMBER))


async def test_before_its_first_round_a_beacon_has_none(street):
    relays = await street.relays(await street.ours(time_of(OWN.beacon, 1) - 1))
    assert await relays.newest() is None
    with pytest.raises(RoundUnavailable):
        await relays.fetch(0)


GOOD = told(NUMBER, OWN.sign(NUMBER))
LIES = {
    "another round's signature": told(NUMBER, OWN.sign(NUMBER + 1)),
    "another round, whole": told(NUMBER + 1, OWN.sign(NUMBER + 1)),
    "another key": told(NUMBER, OTHER.sign(NUMBER)),
    "cut off": told(NUMBER, OWN.sign(NUMBER)[:-1]),
    "the identity": told(NUMBER, bytes([0xC0]) + bytes(47)),
    "no number": b'{"round":"5","signature":"00"}',
    "no hex": b'{"round":5,"signature":"xy"}',
    "no JSON": b"<html>",
    "no UTF-8": b'{"round":5,"signature":"\xff"}',
    "nested": b"[" * 4_000,
    "nothing": b"",
    "long": b" " * ANSWER_BYTES_MAX + GOOD,
}


@pytest.mark.parametrize("lie", LIES.values(), ids=list(LIES))
async def test_a_relay_that_lies_changes_nothing(street, lie):
    liar = await street.says(lie)
    relays = await street.relays(liar, await street.ours())
    assert await relays.fetch(NUMBER) == OWN.sign(NUMBER)
    alone = await street.relays(liar)
    with pytest.raises(RoundUnavailable):
        await alone.fetch(NUMBER)


async def test_a_relay_that_tells_of_a_round_that_is_not_out_is_not_believed(street):
    ahead = await street.says(told(NUMBER + 100, OWN.sign(NUMBER)))
    relays = await street.relays(ahead, await street.ours())
    assert await relays.newest() == NUMBER


@pytest.mark.parametrize("status", [204, 302, 404, 425, 500])
async def test_a_relay_that_has_nothing_is_passed_over(street, status):
    empty = await street.says(b"", status, Location="/elsewhere")
    relays = await street.relays(empty, await street.ours())
    assert await relays.fetch(NUMBER) == OWN.sign(NUMBER)


async def test_what_is_packed_is_not_unpacked(street):
    packed = await street.says(gzip.compress(GOOD), **{"Content-Encoding": "gzip"})
    relays = await street.relays(packed)
    with pytest.raises(RoundUnavailable):
        await relays.fetch(NUMBER)


async def test_a_relay_that_is_gone_or_hangs_costs_its_time_only(street):
    released = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response(body=GOOD)

    async def drop(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    hanging, dropping = await street.bent(hang), await street.bent(drop)
    # Only those that never answer are asked impatiently: no answer is raced.
    bad = await street.relays(
        await street.gone(), dropping, hanging, timeout_s=IMPATIENT_S
    )
    with pytest.raises(RoundUnavailable):
        await bad.fetch(NUMBER)
    assert await bad.newest() is None
    released.set()
    relays = await street.relays(await street.gone(), dropping, await street.ours())
    assert await relays.fetch(NUMBER) == OWN.sign(NUMBER)


async def test_the_one_that_answered_last_is_asked_first(street):
    empty, good = await street.says(b"", 404), await street.ours()
    relays = await street.relays(empty, good)
    await relays.fetch(NUMBER)
    await relays.fetch(NUMBER - 1)
    hosts = [url.removeprefix("http://") for url in (empty, good, good)]
    assert street.asked == hosts


async def test_a_chain_is_learnt_from_relays_that_nobody_believes(street):
    liar = await street.says(
        json.dumps(
            {
                "public_key": OTHER.beacon.public_key,
                "period": 3,
                "genesis_time": OTHER.beacon.genesis_s,
                "groupHash": OTHER.beacon.group,
                "schemeID": OTHER.beacon.scheme,
                "metadata": {"beaconID": OTHER.beacon.id},
            }
        ).encode()
    )
    good = await street.ours()
    found = await learn([liar, good + "/"], CHAIN, timeout_s=PATIENT_S)
    assert found == OWN.beacon
    for relay, chain in ((liar, CHAIN), (good, OTHER.beacon.chain)):
        with pytest.raises(RoundUnavailable):
            await learn([relay], chain, timeout_s=PATIENT_S)


async def test_our_relay_answers_as_those_of_drand_do(street):
    url = await street.ours()
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}/{CHAIN}/public/{NUMBER + 1}") as response:
            assert response.status == 425
        async with http.get(f"{url}/{CHAIN}/public/{NUMBER}") as response:
            answer = await response.json()
        signature = OWN.sign(NUMBER)
        assert answer == {
            "round": NUMBER,
            "randomness": randomness_of(signature).hex(),
            "signature": signature.hex(),
        }
