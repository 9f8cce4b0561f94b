"""Tells who is in a room what is said there, on whichever process they are.

The process that stored a message says so on the room's topic of the bus; each that has
somebody in the room hears it. Numbers have no hole: who hears one too high reads what
is between from the database, so a lost message costs a moment and nothing else.

Concurrency: one event loop. A listener is added before what it is told first is read,
and what comes meanwhile is kept for it; nothing else is awaited.

Invariants: each listener is told every number once, in order.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from persistence.community.chat.messages import Message
from persistence.errors import Unavailable
from server.community.chat.documents import (
    Changed,
    RoomNow,
    RoomOver,
    Said,
    document_of,
    is_for,
)
from server.live.fanout.writer import Writer
from server.transport.bus.bus import Bus

NAMES_MAX: Final = 50
"""Where more are in a room, only their number is told."""

TELL_EVERY_S: Final = 5.0
SILENT_S: Final = 2.5 * TELL_EVERY_S
"""A process that was not heard of for so long has nobody in the room."""

READ_MAX: Final = 500

log = structlog.get_logger()


class Told(Struct, tag="said", array_like=True):
    """A message, with the number under which it was said or changed."""

    message: Message


class Present(Struct, tag="present", array_like=True):
    """Who is in a room on one process."""

    process: str
    count: int
    names: list[str]


class Out(Struct, tag="out", array_like=True):
    """Somebody may not be in the room any more."""

    user: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Told | Present | Out).decode

ReadAfter = Callable[[str, int, int], Awaitable[list[Message]]]


class Listener:
    """One connection in a room."""

    __slots__ = ("cursor", "name", "staff", "user", "waiting", "writer")

    def __init__(self, writer: Writer, user: str, name: str, staff: bool) -> None:
        self.writer = writer
        self.user = user
        self.name = name
        self.staff = staff
        self.cursor: int | None = None
        """The last number that it knows; None before it was told anything."""
        self.waiting: list[tuple[int, Message]] = []
        """What came before that, with the number before it."""


class LocalRoom:
    """A room in which somebody of this process is."""

    def __init__(self, room: str, last: int) -> None:
        self.room = room
        self.last = last
        """The number that was told last."""
        self.listeners: dict[Writer, Listener] = {}
        self.present: dict[str, tuple[float, Present]] = {}
        """By process, when it was heard and what it said."""
        self.shown: RoomNow | None = None
        """What listeners were told last of who is here."""
        self.reading = False
        self.behind = False
        """Whether there is more to read."""

    def tell(self, message: Message) -> None:
        """Tell all who are here of the next number."""
        base, self.last = self.last, message.changed
        frames: dict[tuple[object, bool, bool], bytes] = {}
        for listener in self.listeners.values():
            if listener.cursor is None:
                listener.waiting.append((base, message))
            elif message.changed > listener.cursor:
                _send(listener, base, message, frames)

    def here(self) -> list[str]:
        """Return the names of who is here on this process, each person's once."""
        return list({one.user: one.name for one in self.listeners.values()}.values())


def _send(
    listener: Listener,
    base: int,
    message: Message,
    frames: dict[tuple[object, bool, bool], bytes],
) -> None:
    """Send what a message is to one listener; what is alike is packed once."""
    codec = listener.writer.codec
    seen = is_for(message, listener.user, listener.staff)
    about = codec, listener.staff, seen
    frame = frames.get(about)
    if frame is None:
        kind = Said if message.changed == message.seq else Changed
        document = document_of(message, listener.staff) if seen else None
        told = kind(message.room, base, message.changed, document)
        frame = frames[about] = codec.pack(told)
    listener.cursor = message.changed
    listener.writer.write(frame)


class Broadcast:
    """The rooms of this process."""

    def __init__(
        self,
        bus: Bus,
        process: str,
        read_after: ReadAfter,
        now: Callable[[], float],
    ) -> None:
        self.rooms: dict[str, LocalRoom] = {}
        self._bus = bus
        self._process = process
        self._read_after = read_after
        self._now = now
        self._tasks: set[asyncio.Task[None]] = set()

    def publish(self, message: Message) -> None:
        """Tell all processes of a message that was stored."""
        self._bus.publish(_topic(message.room), _encode(Told(message)))

    def turn_out(self, room: str, user: str) -> None:
        """Tell all processes that somebody may not be in a room any more."""
        self._bus.publish(_topic(room), _encode(Out(user)))

    def join(self, room: str, seq: int, listener: Listener) -> None:
        """Add a connection to a room whose last number is known to be `seq` or more.

        It is told nothing before `begin`.
        """
        local = self.rooms.get(room)
        if local is None:
            local = self.rooms[room] = LocalRoom(room, seq)
            self._bus.subscribe(
                _topic(room),
                lambda data: self._hear(local, data),
                lambda: self._read(local),
            )
        local.listeners[listener.writer] = listener

    def begin(self, room: str, listener: Listener, number: int) -> None:
        """Tell a connection what comes after a number, up to which it knows all."""
        listener.cursor = number
        waiting, listener.waiting = listener.waiting, []
        for base, message in waiting:
            if message.changed > listener.cursor:
                _send(listener, base, message, {})
        local = self.rooms.get(room)
        if local is not None:
            self._tell_present(local, anew=True)

    def leave(self, room: str, writer: Writer) -> None:
        """Tell a connection nothing more of a room."""
        local = self.rooms.get(room)
        if local is None or local.listeners.pop(writer, None) is None:
            return
        self._say_present(local)
        if not local.listeners:
            del self.rooms[room]
            self._bus.unsubscribe(_topic(room))

    def has(self, room: str, writer: Writer) -> bool:
        """Return whether a connection is in a room."""
        local = self.rooms.get(room)
        return local is not None and writer in local.listeners

    async def run(self) -> None:
        """Say who is here, and hear who is elsewhere, for ever."""
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            for local in tuple(self.rooms.values()):
                self._say_present(local)
                self._tell_present(local)

    async def close(self) -> None:
        """End what is still read."""
        for task in self._tasks:
            task.cancel()

    def _say_present(self, local: LocalRoom) -> None:
        names = local.here()
        told = Present(self._process, len(names), names[: NAMES_MAX + 1])
        self._bus.publish(_topic(local.room), _encode(told))

    def _hear(self, local: LocalRoom, data: bytes) -> None:
        try:
            told = _decode(data)
        except msgspec.DecodeError as error:
            # Of a process of another version.
            log.info("what is told of a room cannot be read", error=str(error))
            return
        if isinstance(told, Present):
            local.present[told.process] = self._now(), told
        elif isinstance(told, Out):
            self._put_out(local, told.user)
        elif told.message.changed == local.last + 1 and not local.reading:
            local.tell(told.message)
        elif told.message.changed > local.last:
            self._read(local)

    def _put_out(self, local: LocalRoom, user: str) -> None:
        for listener in tuple(local.listeners.values()):
            if listener.user == user:
                listener.writer.send(RoomOver(local.room, "banned"))
                self.leave(local.room, listener.writer)

    def _read(self, local: LocalRoom) -> None:
        """Read what was missed, and once more where something came meanwhile."""
        local.behind = True
        if not local.reading:
            local.reading = True
            task = asyncio.create_task(self._catch_up(local), name="chat")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _catch_up(self, local: LocalRoom) -> None:
        try:
            while local.behind:
                local.behind = False
                for message in await self._read_after(local.room, local.last, READ_MAX):
                    local.tell(message)
                    local.behind = True
        except Unavailable as error:
            # What is said next is a number too high again.
            log.info("what was missed in a room is read later", reason=str(error))
        finally:
            local.reading = False

    def _tell_present(self, local: LocalRoom, anew: bool = False) -> None:
        """Tell who is in a room, where that is not what was told last."""
        heard_after = self._now() - SILENT_S
        names = local.here()
        others = [
            told
            for process, (at, told) in local.present.items()
            if process != self._process and at >= heard_after
        ]
        present = len(names) + sum(one.count for one in others)
        for one in others:
            names.extend(one.names)
        shown = RoomNow(
            local.room, present, sorted(names) if present <= NAMES_MAX else []
        )
        if shown == local.shown and not anew:
            return
        local.shown = shown
        frames: dict[object, bytes] = {}
        for listener in local.listeners.values():
            codec = listener.writer.codec
            frame = frames.get(codec)
            if frame is None:
                frame = frames[codec] = codec.pack(shown)
            listener.writer.write(frame)


def _topic(room: str) -> str:
    return f"chat {room}"
