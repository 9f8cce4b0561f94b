"""The two connections to Redis that the bus needs: one that speaks, one that listens.

They are opened together, prove that what the one says reaches the other, and end
together. Redis-py's own pub/sub is not used, for it connects anew without a word and so
hides what was lost; its connections do only what they are told.

The protocol is RESP2, whose messages redis-py hands on twice as fast as those of RESP3.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Final, NamedTuple, Self, cast
from urllib.parse import urlsplit

import hiredis
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import (
    AuthenticationError,
    InvalidResponse,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from server.base.limits import BUS_CONNECT_S_MAX, BUS_SUBSCRIBE_TOPICS_MAX
from server.base.settings import redis_login
from server.transport.bus.bus import BusError, BusRefused

SCHEMES: Final = ("redis", "rediss", "unix")

# Its stub knows commands of one word only.
_pack: Final[Callable[[tuple[bytes, ...]], bytes]] = cast(Any, hiredis.pack_command)


def address_of(url: str) -> str:
    """Return what may be shown of an address: no name, no password, no options."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


class Dialect(NamedTuple):
    """The words for pub/sub: those for any Redis, and those for a slot of a cluster."""

    publish: bytes
    subscribe: bytes
    unsubscribe: bytes
    message: bytes
    subscribed: bytes
    unsubscribed: bytes
    topics_max: int
    """Topics of one command; those of a cluster must have one slot."""

    def publication(self, channel: bytes, body: bytes) -> bytes:
        """Return the command that publishes a message, as Redis reads it."""
        return _pack((self.publish, channel, body))


ANY: Final = Dialect(
    b"PUBLISH",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"message",
    b"subscribe",
    b"unsubscribe",
    BUS_SUBSCRIBE_TOPICS_MAX,
)
SHARDED: Final = Dialect(
    b"SPUBLISH",
    b"SSUBSCRIBE",
    b"SUNSUBSCRIBE",
    b"smessage",
    b"ssubscribe",
    b"sunsubscribe",
    1,
)


class Link:
    """Two open connections to one Redis; what breaks one of them ends both.

    Each direction belongs to one task, which is never cancelled but to end the link: a
    connection whose command was cancelled would give its answer to the next one.
    """

    def __init__(self, url: str, dialect: Dialect = ANY) -> None:
        self.url = url
        self.dialect = dialect
        self._speaking = _connection(url)
        self._listening = _connection(url)
        self._writers: list[asyncio.StreamWriter] = []
        self.counts_all = False
        """Whether Redis counts all receivers; in a cluster, only those of one node."""

    @classmethod
    async def open(cls, url: str, probe: bytes, dialect: Dialect = ANY) -> Self:
        """Connect, subscribe to the channel of the probe, and hear oneself on it.

        Raises BusError with a sentence that says what is wrong.
        """
        link = cls(url, dialect)
        await link._finish(link._connect(probe))
        return link

    @classmethod
    async def open_to_ask(cls, url: str) -> Self:
        """Connect to ask and to hear answers, and for nothing else; raises BusError."""
        link = cls(url)
        await link._finish(link._connect_one(link._speaking))
        return link

    async def _finish(self, connecting: Coroutine[Any, Any, None]) -> None:
        """Be connected in time, or be closed; raises BusError."""
        try:
            async with asyncio.timeout(BUS_CONNECT_S_MAX):
                await connecting
        except BaseException as error:
            await self.close()
            if isinstance(error, OSError | RedisError | TimeoutError):
                raise _failure(self.url, error) from error
            raise

    @classmethod
    async def ask_once(cls, url: str, *command: bytes) -> Any:
        """Send one command over a connection of its own; raises BusError."""
        link = await cls.open_to_ask(url)
        try:
            async with asyncio.timeout(BUS_CONNECT_S_MAX):
                return await link.ask(*command)
        except (OSError, RedisError, TimeoutError) as error:
            raise _failure(url, error) from error
        finally:
            await link.close()

    async def ask_all(
        self, commands: Sequence[tuple[bytes, ...]], s_max: float
    ) -> list[Any]:
        """Send commands in one go and return their answers, refusals among them.

        Raises BusError; the link is of no use then, nor when this is cancelled.
        """
        answers: list[Any] = []
        try:
            async with asyncio.timeout(s_max):
                await self.send([_pack(command) for command in commands])
                for _ in commands:
                    try:
                        answers.append(await self.answer())
                    except ResponseError as error:
                        answers.append(error)
        except (OSError, RedisError, TimeoutError) as error:
            raise _failure(self.url, error) from error
        return answers

    async def _connect(self, probe: bytes) -> None:
        speaking, listening = self._speaking, self._listening
        await self._connect_one(speaking)
        if await self.ask(b"PING") != b"PONG":
            raise InvalidResponse("no PONG")
        self.counts_all = await self._is_alone()
        await self._connect_one(listening)
        await self.subscribe([probe])
        if await self.read() != [self.dialect.subscribed, probe, 1]:
            raise InvalidResponse("no confirmation of a subscription")
        nonce = secrets.token_bytes(16)
        await self.ask(self.dialect.publish, probe, nonce)
        # What others say there now is no answer: wait for our own words.
        while await self.read() != [self.dialect.message, probe, nonce]:
            pass

    async def _connect_one(self, connection: AbstractConnection) -> None:
        await connection.connect()  # type: ignore[no-untyped-call]
        assert connection._writer is not None
        self._writers.append(connection._writer)

    async def _is_alone(self) -> bool:
        """Return whether all clients are at this very node, so that 0 means nobody."""
        try:
            info = await self.ask(b"INFO")
        except ResponseError:
            return False  # We may not know, so we don't.
        return b"cluster_enabled:0" in info and b"role:master" in info

    async def ask(self, *command: bytes) -> Any:
        """Send one command and return its answer."""
        await self.send([_pack(command)])
        return await self.answer()

    def send(self, commands: Iterable[bytes]) -> Awaitable[None]:
        """Send packed commands at once; each then has its `answer`."""
        return self._speaking.send_packed_command(commands, check_health=False)

    def answer(self) -> Awaitable[Any]:
        """Read the next answer; raises ResponseError where Redis refuses a command."""
        return self._speaking.read_response()

    def read(self) -> Awaitable[Any]:
        """Read the next message or confirmation, a list of three."""
        return self._listening.read_response()

    async def subscribe(self, channels: Sequence[bytes]) -> None:
        """Ask for messages; each channel is confirmed among what `read` returns."""
        await self._tell(self.dialect.subscribe, channels)

    async def unsubscribe(self, channels: Sequence[bytes]) -> None:
        """Ask for no more messages of these channels."""
        await self._tell(self.dialect.unsubscribe, channels)

    async def _tell(self, verb: bytes, channels: Sequence[bytes]) -> None:
        most = self.dialect.topics_max
        parts = [channels[at : at + most] for at in range(0, len(channels), most)]
        packed = [_pack((verb, *part)) for part in parts]
        if packed:
            await self._listening.send_packed_command(packed, check_health=False)

    async def close(self) -> None:
        """End both connections at once, whatever is under way."""
        # Redis-py closes politely: a server that reads nothing more would keep the
        # socket, and what waits in it, for as long as it likes.
        for writer in self._writers:
            writer.transport.abort()
        for connection in (self._speaking, self._listening):
            await connection.disconnect(nowait=True)
        for writer in self._writers:
            try:
                await writer.wait_closed()
            except OSError:
                pass  # It broke before; so it is closed.


def _connection(url: str) -> AbstractConnection:
    """Return a connection that is not open yet and never reconnects by itself."""
    try:
        address = redis_login(url)
        if urlsplit(address).scheme not in SCHEMES:
            raise ValueError
        pool = ConnectionPool.from_url(address)
        pool.connection_kwargs.update(
            protocol=2,
            decode_responses=False,
            # Not as a name, which some are not permitted to set.
            driver_info=DriverInfo().add_upstream_driver("onsale", "1"),
            # The deadlines are ours: the probe tells when Redis is silent.
            socket_timeout=None,
            socket_connect_timeout=BUS_CONNECT_S_MAX,
            health_check_interval=0,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            retry_on_timeout=False,
        )
        made = pool.make_connection()  # type: ignore[no-untyped-call]
        return cast(AbstractConnection, made)
    except (TypeError, ValueError):
        # The error may quote the address, and with it a password.
        raise BusError(
            "The address of Redis is none: it must look like redis://host:6379/0, "
            "rediss://… for TLS, unix:///path/to/socket, or redis+cluster://… for one "
            "node of a Redis Cluster."
        ) from None


def _failure(url: str, error: BaseException) -> BusError:
    while isinstance(error.__cause__, RedisError):
        # What went wrong in the first words over a Unix socket comes wrapped.
        error = error.__cause__
    refused = isinstance(error, AuthenticationError | NoPermissionError)
    return (BusRefused if refused else BusError)(_sentence(url, error))


def _sentence(url: str, error: BaseException) -> str:
    where = f"Redis at {address_of(url)}"
    if isinstance(error, TimeoutError):
        return f"{where} did not answer within {BUS_CONNECT_S_MAX:g} s."
    if isinstance(error, InvalidResponse):
        return f"What answers at {address_of(url)} is not Redis."
    reason = re.sub(r"\s+", " ", str(error)).strip().rstrip(".") or type(error).__name__
    if isinstance(error, AuthenticationError | NoPermissionError):
        return f"{where} does not let us in: {reason}."
    if isinstance(error, ResponseError):
        return f"{where} refused a command: {reason}."
    return f"{where} cannot be reached: {reason}."
