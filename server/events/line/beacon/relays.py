"""Rounds from relays over HTTP. They are messengers only: what they say is checked.

Each is asked in turn, the one first that answered last. One that hangs, lies or is gone
costs its time and changes nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, TypeVar

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from inventory.line.draw import Beacon, beacon_fault_of
from server.events.line.beacon.rounds import (
    SIGNATURE_BYTES,
    RoundUnavailable,
    is_good,
)
from server.transport.client.answers import AnswerTooLong, open_session, read_answer

DRAND: Final = (
    "https://api.drand.sh",
    "https://api2.drand.sh",
    "https://api3.drand.sh",
    "https://drand.cloudflare.com",
)
"""Relays of quicknet that everybody may ask."""

TIMEOUT_S: Final = 2.0
ANSWER_BYTES_MAX: Final = 4_096

T = TypeVar("T")

log = structlog.get_logger()


class RoundAnswer(Struct):
    """What a relay says of a round; the rest of its answer does not count."""

    round: int
    signature: str


class _Metadata(Struct):
    beacon_id: str = msgspec.field(name="beaconID")


class ChainAnswer(Struct):
    """What a relay says of a chain."""

    public_key: str
    period: int
    genesis_time: int
    group_hash: str = msgspec.field(name="groupHash")
    scheme_id: str = msgspec.field(name="schemeID")
    metadata: _Metadata


class Useless(Exception):
    """A relay gave no answer that can be used; the message says which kind."""


class Messenger:
    """Asks relays, and believes nothing of what they say. Close it after use."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, url: str, kind: type[T]) -> T:
        """Return an answer of this kind. Raises `Useless`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return msgspec.json.decode(await self._read(url), type=kind)
        except TimeoutError:
            raise Useless(f"no answer within {self._timeout_s:g} s") from None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Useless("its answer cannot be read") from None
        except AnswerTooLong as error:
            raise Useless(str(error)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Useless(type(error).__name__) from None

    async def close(self) -> None:
        """Give up connections."""
        if self._session is not None:
            await self._session.close()

    async def _read(self, url: str) -> bytes:
        if self._session is None:
            self._session = open_session()
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise Useless(f"it answered {response.status}")
            return await read_answer(response, ANSWER_BYTES_MAX)


class Relays:
    """Implements `BeaconSource`. Close it after use."""

    def __init__(
        self, beacon: Beacon, relays: Sequence[str], *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.beacon = beacon
        self._relays = [relay.rstrip("/") for relay in relays]
        self._messenger = Messenger(timeout_s)

    async def fetch(self, number: int) -> bytes:
        """Return the signature of a round, which is good.

        Raises `RoundUnavailable` where no relay has it, or all of them lie.
        """
        found = await self._good(str(number), number)
        if found is None:
            raise RoundUnavailable(f"no relay has round {number:,}")
        return found[1]

    async def newest(self) -> int | None:
        """Return the newest round of the first relay that can prove one."""
        found = await self._good("latest", None)
        return None if found is None else found[0]

    def verify(self, number: int, signature: bytes) -> bool:
        """Return whether a signature is that of a round: 9 ms of CPU."""
        return is_good(self.beacon, number, signature)

    async def close(self) -> None:
        """Give up connections."""
        await self._messenger.close()

    async def _good(self, which: str, number: int | None) -> tuple[int, bytes] | None:
        """Return a round with its good signature: that one, or whichever is told."""
        for relay in list(self._relays):
            url = f"{relay}/{self.beacon.chain}/public/{which}"
            try:
                answer = await self._messenger.ask(url, RoundAnswer)
                told = await self._checked(answer, number)
            except Useless as error:
                log.warning("a relay is of no use", relay=relay, reason=str(error))
                continue
            self._relays.remove(relay)
            self._relays.insert(0, relay)
            return told
        return None

    async def _checked(
        self, answer: RoundAnswer, number: int | None
    ) -> tuple[int, bytes]:
        """Return what a relay said. Raises `Useless` where it is not true."""
        if number is not None and answer.round != number:
            raise Useless("it has another round than was asked for")
        signature = signature_of(answer)
        if signature is None:
            raise Useless("its signature is none")
        # In a thread: the sale on this loop does not wait for it.
        if not await asyncio.to_thread(self.verify, answer.round, signature):
            raise Useless("its signature is not that of the round")
        return answer.round, signature


def signature_of(answer: RoundAnswer) -> bytes | None:
    """Return the signature in an answer; None where there can be none."""
    try:
        signature = bytes.fromhex(answer.signature)
    except ValueError:
        return None
    sound = len(signature) == SIGNATURE_BYTES and 0 < answer.round < 2**63
    return signature if sound else None


async def learn(
    relays: Sequence[str], chain: str, *, timeout_s: float = TIMEOUT_S
) -> Beacon:
    """Return what a chain is, from the first relay that knows it.

    Its name follows from what it is, so that no relay has to be believed. Raises
    `RoundUnavailable`.
    """
    messenger = Messenger(timeout_s)
    try:
        for relay in relays:
            url = f"{relay.rstrip('/')}/{chain}/info"
            try:
                return _beacon_of(chain, await messenger.ask(url, ChainAnswer))
            except Useless as error:
                log.warning("a relay is of no use", relay=relay, reason=str(error))
    finally:
        await messenger.close()
    raise RoundUnavailable(f"no relay knows the chain {chain}")


def _beacon_of(chain: str, answer: ChainAnswer) -> Beacon:
    """Return the chain that was told. Raises `Useless` where it has another name."""
    beacon = Beacon(
        chain=chain,
        genesis_s=answer.genesis_time,
        group=answer.group_hash,
        id=answer.metadata.beacon_id,
        period_s=answer.period,
        public_key=answer.public_key,
        scheme=answer.scheme_id,
    )
    if beacon_fault_of(beacon) is not None:
        raise Useless("it tells of another chain")
    return beacon
