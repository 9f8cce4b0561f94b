"""A beacon of our own with its relay, in the shape of drand's: for demo and tests.

Whoever has its key knows all its rounds, so nobody has to believe it. That is why a
transcript of such a draw is weak unless whoever checks it names the chain.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from aiohttp import web
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from inventory.line.draw import SCHEME, Beacon, chain_of, time_of
from server.events.line.beacon.rounds import DOMAIN, message_of

GROUP: Final = "00" * 32


class OwnBeacon:
    """Signs rounds by a key that follows from a secret."""

    def __init__(
        self, secret: bytes, *, genesis_s: int, period_s: int = 3, name: str = "demo"
    ) -> None:
        self._key = Scalar.from_be_bytes_mod_order(sha256(secret).digest())
        told = Beacon(
            chain="",
            genesis_s=genesis_s,
            group=GROUP,
            id=name,
            period_s=period_s,
            public_key=(G2Point() * self._key).to_compressed_bytes().hex(),
            scheme=SCHEME,
        )
        self.beacon = Beacon(
            chain=chain_of(told),
            genesis_s=told.genesis_s,
            group=told.group,
            id=told.id,
            period_s=told.period_s,
            public_key=told.public_key,
            scheme=told.scheme,
        )

    def sign(self, number: int) -> bytes:
        """Return the signature of a round, whether it is due or not."""
        signed = G1Point.hash_to_curve(message_of(number), DOMAIN) * self._key
        return bytes(signed.to_compressed_bytes())


def now_ms() -> int:
    """Return the time by the system's clock."""
    return int(time.time() * 1_000)


def make_app(own: OwnBeacon, clock: Callable[[], int] = now_ms) -> web.Application:
    """Return a relay of a beacon, which tells no round before its time."""
    relay = _Relay(own, clock)
    app = web.Application()
    app.router.add_get(f"/{own.beacon.chain}/info", relay.show_chain)
    app.router.add_get(f"/{own.beacon.chain}/public/latest", relay.show_latest)
    app.router.add_get(f"/{own.beacon.chain}/public/{{round:[0-9]+}}", relay.show)
    return app


class _Relay:
    def __init__(self, own: OwnBeacon, clock: Callable[[], int]) -> None:
        self._own = own
        self._clock = clock

    async def show_chain(self, _: web.Request) -> web.Response:
        beacon = self._own.beacon
        return web.json_response(
            {
                "public_key": beacon.public_key,
                "period": beacon.period_s,
                "genesis_time": beacon.genesis_s,
                "hash": beacon.chain,
                "groupHash": beacon.group,
                "schemeID": beacon.scheme,
                "metadata": {"beaconID": beacon.id},
            }
        )

    async def show_latest(self, _: web.Request) -> web.Response:
        beacon = self._own.beacon
        since_ms = self._clock() - time_of(beacon, 1)
        return self._answer(1 + since_ms // (1_000 * beacon.period_s))

    async def show(self, request: web.Request) -> web.Response:
        return self._answer(int(request.match_info["round"]))

    def _answer(self, number: int) -> web.Response:
        if not 0 < number < 2**63:
            raise web.HTTPNotFound
        if self._clock() < time_of(self._own.beacon, number):
            # As drand's do where a round is not there yet.
            return web.Response(status=HTTPStatus.TOO_EARLY)
        signature = self._own.sign(number)
        return web.json_response(
            {
                "round": number,
                "randomness": sha256(signature).hexdigest(),
                "signature": signature.hex(),
            }
        )
