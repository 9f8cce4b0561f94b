"""The activity stream in Redis: one key, one group of consumers, one of each process.

Each user of a stream has one of its own, with one connection; every call that is cut
short ends that connection, so that no answer reaches the wrong caller. What is in the
stream is sealed with the cluster's secret, as messages of the bus are: who can write to
Redis cannot write history. Records leave the stream once they are stored, so its length
is what is still to be done.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from redis.exceptions import ResponseError

from persistence.people.activity import Record
from server.people.activity.limits import (
    BATCH_MAX,
    GONE_S,
    READ_S_MAX,
    STREAM_FULL,
    STREAM_MAX,
)
from server.transport.bus.bus import BusError
from server.transport.bus.cluster_slots import key_slot, node_of, ranges
from server.transport.bus.redis_link import Link

GROUP: Final = b"writers"
FIELD: Final = b"r"
SEAL_BYTES: Final = 16
SEAL_FOR: Final = b"onsale activity"
ANSWER_S_MAX: Final = 2.0
PENDING: Final = b"0"
NEW: Final = b">"
BEGIN: Final = b"0-0"

log = structlog.get_logger()

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Record).decode


class Entry(NamedTuple):
    """What the stream holds under an id."""

    entry_id: bytes
    record: Record | None
    """None: it is none of ours, or not there any more."""
    is_there: bool

    @property
    def at_ms(self) -> int:
        """When Redis got it."""
        return int(self.entry_id.partition(b"-")[0])


class NoGroup(Exception):
    """Redis knows nothing of the stream, or of who reads it."""


class Stream:
    """One connection to the stream. `name` is that of the consumer."""

    def __init__(self, url: str, cluster: str, secret: bytes, name: str) -> None:
        self._url = url
        self._node = node_of(url)
        self._nodes: list[str] = []
        """Addresses of a Redis Cluster's masters, which know where a slot is."""
        self._key = f"onsale:{cluster}:activity".encode()
        self._secret = secret
        self._name = name.encode()
        self._link: Link | None = None

    async def close(self) -> None:
        """End the connection; the next call makes another one."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def add(self, records: Sequence[Record]) -> bool:
        """Put records into the stream; False where it is full. Raises BusError."""
        if await self.length() >= STREAM_FULL:
            return False
        most = b"%d" % STREAM_MAX
        await self._ask(
            *(
                (
                    *(b"XADD", self._key, b"MAXLEN", b"~", most, b"*"),
                    *(FIELD, self._sealed(encode(record))),
                )
                for record in records
            )
        )
        return True

    async def length(self) -> int:
        """Return how many records are still to be stored."""
        (length,) = await self._ask((b"XLEN", self._key))
        return int(length)

    async def oldest_ms(self) -> int | None:
        """Return when Redis got the oldest of them."""
        (found,) = await self._ask(
            (b"XRANGE", self._key, b"-", b"+", b"COUNT", b"1"),
        )
        return int(found[0][0].partition(b"-")[0]) if found else None

    async def found(self) -> None:
        """Make the group, and the stream with it, where they are not there yet.

        A new group begins with the first record: what was added before it is read too.
        """
        try:
            await self._ask((b"XGROUP", b"CREATE", self._key, GROUP, b"0", b"MKSTREAM"))
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def read(self, which: bytes = NEW) -> list[Entry]:
        """Return records for us: new ones, or with `PENDING` those that we had taken.

        Waits for new ones for a while. Raises BusError and `NoGroup`.
        """
        command = (
            *(b"XREADGROUP", b"GROUP", GROUP, self._name, b"COUNT", b"%d" % BATCH_MAX),
            *((b"BLOCK", b"%d" % (READ_S_MAX * 1_000)) if which == NEW else ()),
            *(b"STREAMS", self._key, which),
        )
        (found,) = await self._ask(command, s_max=READ_S_MAX + ANSWER_S_MAX)
        return self._entries(found[0][1]) if found else []

    async def claim(self, cursor: bytes, idle_s: float) -> tuple[list[Entry], bytes]:
        """Take over records that somebody took so long ago without having them stored.

        Returns some, and where to go on; `BEGIN` when all were looked at. Raises
        BusError and `NoGroup`.
        """
        idle_ms = b"%d" % (idle_s * 1_000)
        (found,) = await self._ask(
            (
                *(b"XAUTOCLAIM", self._key, GROUP, self._name, idle_ms, cursor),
                *(b"COUNT", b"%d" % BATCH_MAX),
            )
        )
        return self._entries(found[1]), found[0]

    async def settle(self, entry_ids: Sequence[bytes]) -> None:
        """Let go of records that are stored. Raises BusError."""
        # First out of the stream: should that be all that happens, the rest follows
        # when they are read again and are not there.
        await self._ask(
            (b"XDEL", self._key, *entry_ids), (b"XACK", self._key, GROUP, *entry_ids)
        )

    async def forget_the_gone(self, gone_s: float = GONE_S) -> None:
        """Remove consumers that have been silent for long and owe nothing."""
        (found,) = await self._ask((b"XINFO", b"CONSUMERS", self._key, GROUP))
        for pairs in found:
            told = dict(zip(pairs[::2], pairs[1::2], strict=True))
            if told[b"pending"] == 0 and told[b"idle"] >= gone_s * 1_000:
                await self._leave(told[b"name"])

    async def leave(self) -> None:
        """Be no consumer any more, where nothing is owed; for an orderly end."""
        if not await self.read(PENDING):
            await self._leave(self._name)

    async def _leave(self, name: bytes) -> None:
        await self._ask((b"XGROUP", b"DELCONSUMER", self._key, GROUP, name))

    def _entries(self, found: list[Any]) -> list[Entry]:
        return [
            Entry(entry_id, self._opened(fields), fields is not None)
            for entry_id, fields in found
        ]

    def _opened(self, fields: list[bytes] | None) -> Record | None:
        if not fields or fields[0] != FIELD:
            return None
        seal, data = fields[1][:SEAL_BYTES], fields[1][SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(data)):
            return None
        try:
            return decode(data)
        except msgspec.DecodeError:
            # Of a version that says it otherwise; both are never meant to run at once.
            return None

    def _sealed(self, data: bytes) -> bytes:
        return self._seal(data) + data

    def _seal(self, data: bytes) -> bytes:
        return hashlib.blake2b(
            data, digest_size=SEAL_BYTES, key=self._secret, person=SEAL_FOR
        ).digest()

    async def _ask(
        self, *commands: tuple[bytes, ...], s_max: float = ANSWER_S_MAX
    ) -> list[Any]:
        """Return the answers; raises BusError, `NoGroup`, or Redis's first refusal."""
        try:
            if self._link is None:
                self._link = await Link.open_to_ask(await self._place())
            answers = await self._link.ask_all(commands, s_max)
        except BaseException:
            await self.close()
            raise
        for answer in answers:
            if isinstance(answer, ResponseError):
                if str(answer).startswith("NOGROUP"):
                    raise NoGroup(str(answer))
                if not str(answer).startswith("BUSYGROUP"):
                    # Moved, read only, loading: the next connection may do better.
                    await self.close()
                    raise BusError(f"Redis refused a command: {answer}.") from answer
                raise answer
        return answers

    async def _place(self) -> str:
        """Return the address of the Redis that has the stream. Raises BusError."""
        if self._node is None:
            return self._url
        slot, failure = key_slot(self._key), BusError("No Redis has the stream.")
        for url in dict.fromkeys([self._node, *self._nodes]):
            try:
                found = await ranges(url)
            except BusError as error:
                failure = error
                continue
            self._nodes = sorted({each.url for each in found})
            for each in found:
                if each.first <= slot <= each.last:
                    return each.url
        raise failure


class Sender:
    """Adds the records of a feed, as far as Redis takes them."""

    def __init__(self, stream: Stream, on_lost: Callable[[], None]) -> None:
        self._stream = stream
        self._on_lost = on_lost
        self._is_lost = False

    async def add(self, records: Sequence[Record]) -> bool:
        """Add records; False: Redis has none of them, or perhaps some."""
        try:
            added = await self._stream.add(records)
        except BusError as error:
            if not self._is_lost:
                self._is_lost = True
                log.warning("activity goes without redis", reason=str(error))
                self._on_lost()
            return False
        self._is_lost = False
        return added
