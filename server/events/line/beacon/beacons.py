"""Which beacons this server knows, and where their rounds come from."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from inventory.line.draw import QUICKNET, Beacon
from server.base.refusals.refusals import Refusal
from server.events.line.beacon.relays import DRAND, Relays, learn
from server.events.line.beacon.rounds import BeaconSource, RoundUnavailable

UNKNOWN: Final = "This server knows no beacon of the name {!r}."


class Beacons:
    """Quicknet, and the chain that the operator named, if another one.

    `relays` are asked for `chain`; without any, and for quicknet where they are of
    another chain, drand's own are. Close it after use.
    """

    def __init__(self, relays: Sequence[str] = (), chain: str | None = None) -> None:
        self._chain = QUICKNET.chain if chain is None else chain
        self._urls: dict[str, Sequence[str]] = {QUICKNET.chain: DRAND}
        if relays:
            self._urls[self._chain] = relays
        self._own: Beacon | None = None
        self._sources: dict[str, Relays] = {}

    async def named(self, name: str) -> Beacon:
        """Return the beacon of a name, which settings have.

        Raises `Refusal` where there is none, and where no relay tells of it now.
        """
        if name == QUICKNET.id:
            return QUICKNET
        if self._own is None and self._chain in self._urls:
            try:
                self._own = await learn(self._urls[self._chain], self._chain)
            except RoundUnavailable as error:
                raise Refusal("unavailable", f"{error}.") from error
        if self._own is None or self._own.id != name:
            raise Refusal("wrong_state", UNKNOWN.format(name))
        return self._own

    def source(self, beacon: Beacon) -> BeaconSource | None:
        """Return where the rounds of a beacon come from; None where nowhere."""
        urls = self._urls.get(beacon.chain)
        if urls is None:
            return None
        if beacon.chain not in self._sources:
            self._sources[beacon.chain] = Relays(beacon, urls)
        return self._sources[beacon.chain]

    async def close(self) -> None:
        """Give up connections."""
        for source in self._sources.values():
            await source.close()


BEACONS: Final = web.AppKey("beacons", Beacons)
