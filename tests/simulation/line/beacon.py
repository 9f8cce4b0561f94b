"""A beacon in the world's time, and relays that are late, lie, or are gone.

What they say is what relays say over HTTP; all that believes, or does not, is shipped.
"""

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec

import server.events.line.beacon.relays as relays
import server.events.line.beacon.rounds as rounds
from inventory.line.draw import time_of
from server.events.line.beacon.beacons import Beacons
from server.events.line.beacon.relay import OwnBeacon
from server.events.line.beacon.relays import Useless

if TYPE_CHECKING:
    from tests.simulation.world import World

OWN: Final = OwnBeacon(b"of the simulation", genesis_s=1_700_000_001, name="sim")
URLS: Final = ("http://relay-a", "http://relay-b")
SLOW_S: Final = 1.5

_SIGNED: dict[int, bytes] = {}
"""Rounds that were signed: the same ones in all worlds."""


def signature(number: int) -> bytes:
    """Return the signature of a round, whether it is due or not."""
    if number not in _SIGNED:
        _SIGNED[number] = OWN.sign(number)
    return _SIGNED[number]


class SimRelays:
    """What relays say in one world."""

    def __init__(self, world: "World", random: Random, faulty: bool) -> None:
        self._world = world
        self._random = random
        self.away_until = 0.0
        self.lies = random.choice((0.0, 0.3)) if faulty else 0.0
        self.late_s = random.choice((0.0, 0.4, 2.0)) if faulty else 0.0
        self.ahead_s = random.choice((0.0, 0.0, 2.0)) if faulty else 0.0
        """How much earlier than it says a round is out: its clock is not ours."""

    def heal(self) -> None:
        """Be there, on time, and say the truth."""
        self.away_until = 0.0
        self.lies = self.late_s = 0.0

    async def read(self, url: str) -> bytes:
        """Answer as a relay does. Raises `Useless`."""
        random = self._random
        await asyncio.sleep(0.01 * random.random())
        if self._world.scheduler.now < self.away_until:
            await asyncio.sleep(SLOW_S * random.random())
            raise Useless("it is gone")
        if url.endswith("/info"):
            return _chain()
        which = url.rpartition("/")[2]
        now_ms = self._world.database.clock.now_ms()
        now_ms += int(1_000 * (self.ahead_s - self.late_s))
        newest = 1 + (now_ms - time_of(OWN.beacon, 1)) // (1_000 * OWN.beacon.period_s)
        number = newest if which == "latest" else int(which)
        if random.random() < self.lies:
            # Another round's, under this one's number; or one that is not out.
            number += random.choice((-1, 1))
            told = random.choice((number, newest + 1))
            return _answer(told, signature(number))
        if number > newest:
            raise Useless("it answered 425")
        return _answer(number, signature(number))


def _answer(number: int, signed: bytes) -> bytes:
    return msgspec.json.encode({"round": number, "signature": signed.hex()})


def _chain() -> bytes:
    beacon = OWN.beacon
    return msgspec.json.encode(
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


async def read(messenger: object, url: str) -> bytes:
    """Stand for `Messenger._read`."""
    loop: Any = asyncio.get_running_loop()
    answer: bytes = await loop.world.relays.read(url)
    return answer


_CHECKED: dict[tuple[int, bytes], bool] = {}
is_good_of_all: Final = rounds.is_good


def is_good(beacon: Any, number: int, signed: bytes) -> bool:
    """Check a signature once for all worlds: it takes 9 ms."""
    of = number, signed
    if of not in _CHECKED:
        _CHECKED[of] = is_good_of_all(beacon, number, signed)
    return _CHECKED[of]


def beacons() -> Beacons:
    """Return what one process knows of beacons."""
    return Beacons(URLS, OWN.beacon.chain)


PATCHES: Final[tuple[tuple[Any, str, Any], ...]] = (
    (relays.Messenger, "_read", read),
    (relays, "is_good", is_good),
)
