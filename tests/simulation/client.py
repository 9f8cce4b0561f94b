"""Buyers: they speak the wire protocol, note what they ask and hear, and watch.

What a client does is drawn elsewhere; here an action's numbers become a command that
makes sense for what this client knows, and every frame it hears is held against the
promises of the contract.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from inventory import commands as c
from inventory.keys import OUTCOMES
from inventory.replies import BookOk, HoldingOk, HoldOk, Ok, Refused
from server.live.fanout import frames
from server.live.fanout.frames import JSON, MSGPACK, Codec, HelloOk
from server.live.websocket.watching import Since, Unwatch, Watch, WatchOk
from tests.checkers.history import Operation

if TYPE_CHECKING:
    from tests.simulation.process import Process, Wire
    from tests.simulation.world import World

Decode = Any
PENDING_MAX = 30
ANSWER_S_MAX = 10.0
"""How long a command may wait for an answer, whatever happens."""

KNOWN_MAX = 12
SEEING = ("on", "resumed")


class Peek(Struct):
    """What tells replies from news."""

    op: str
    id: int | None = None


News = (
    frames.Snapshot
    | frames.Delta
    | frames.Beat
    | frames.Sale
    | frames.Expired
    | frames.Bye
    | frames.ErrorFrame
)


class Tongue:
    """One subprotocol from the client's side."""

    def __init__(self, codec: Codec, module: Any) -> None:
        self.codec = codec
        self.encode = module.Encoder().encode
        self.peek = module.Decoder(Peek).decode
        self.news = module.Decoder(News).decode
        replies: dict[type, type[Ok]] = {
            **OUTCOMES,
            c.Holding: HoldingOk,
            Watch: WatchOk,
            frames.Hello: HelloOk,
        }
        self.reply: dict[type, Decode] = {
            kind: module.Decoder(ok | Refused).decode for kind, ok in replies.items()
        }
        self.plain = module.Decoder(Ok | Refused).decode


TONGUES: Final = (Tongue(JSON, msgspec.json), Tongue(MSGPACK, msgspec.msgpack))


class View:
    """What a client believes of an event that it watches."""

    __slots__ = ("areas", "history_id", "letters", "seen_at", "state", "version")

    def __init__(self) -> None:
        self.history_id = ""
        self.version = -1
        self.letters = bytearray()
        self.areas: dict[str, dict[str, int]] = {}
        self.seen_at: Process | None = None
        """The process that last told of it."""
        self.state = "off"
        """off, asked, refused, resumed (a delta is next), snapshot (one is), or on."""


class Client:
    """One client with at most one connection."""

    def __init__(self, world: "World", number: int, user: str) -> None:
        self.world = world
        self.number = number
        self.user = user
        self.organizer = user == "org"
        networks = world.plan.networks
        self.origin = f"n{number % networks}" if networks else None
        self.tongue = TONGUES[number & 1]
        self.codec = self.tongue.codec
        self.wire: Wire | None = None
        self.home = number
        """Which process it connects to, by the number of its slot."""
        self.stalled = False
        self.stalled_until = 0.0
        self.away = False
        self.farewell: frames.Bye | None = None
        """What it was last told of why its connection ends."""
        self.views: dict[str, View] = {}
        self.holds: dict[str, list[str]] = {event: [] for event in world.events}
        self.bookings: dict[str, list[str]] = {event: [] for event in world.events}
        self.open: dict[int, Operation | Struct] = {}
        self.unsure: list[Operation] = []
        self.keyed: list[Operation] = []
        self._frames = 0
        self._keys = 0

    # Connections.

    def connect(self) -> None:
        """Connect again, unless that is done; later where there is nobody."""
        if self.wire is not None or self.away:
            return
        self.wire = self.world.connect(self)
        if self.wire is None:
            self.world.scheduler.call_later(0.3, self.connect)
            return
        self._say(frames.Hello(id=self._next(), token=self.user))
        for event, view in self.views.items():
            self.watch(event, view)

    def watch(self, event: str, view: View, *, fresh: bool = False) -> None:
        since = None
        assert self.wire is not None
        if fresh and view.seen_at is not self.wire.process:
            # Another process may be behind the one that told us, for a moment.
            view.version = -1
        if view.version >= 0 and not fresh:
            since = Since(view.history_id, view.version)
        view.state = "asked"
        self._say(Watch(id=self._next(), event=event, since=since))

    def leave(self, seconds: float, *, lost: bool) -> None:
        """Hang up, perhaps in the middle of something, and come back later."""
        if self.wire is not None:
            self.wire.hang_up(lost=lost)
            self.lost_wire()
        if seconds > 0:
            self.away = True
            self.world.scheduler.call_later(seconds, self.back)

    def turn_away(self, wire_: "Wire") -> None:
        """Lose patience with a process that does not answer."""
        if self.wire is wire_:
            self.home += 1
            self.leave(0, lost=True)

    def back(self) -> None:
        self.away = False
        self.connect()

    def broken(self, wire_: "Wire") -> None:
        """Notice that the other end is gone."""
        if self.wire is wire_:
            self.closed()

    def closed(self) -> None:
        """Lose a connection that the server ended: at rest it has no reason to."""
        if self.world.at_rest:
            told = f"Client {self.number} lost its connection at rest"
            self.world.violate(f"{told}: {self.farewell}")
        self.lost_wire()

    def lost_wire(self) -> None:
        """Have no connection any more; nobody knows what became of what was asked."""
        self.wire = None
        self.home += self._frames & 1
        for asked in self.open.values():
            if isinstance(asked, Operation) and asked.key is not None:
                self.unsure.append(asked)
        self.open.clear()
        del self.unsure[:-PENDING_MAX]
        for view in self.views.values():
            view.state = "off"
        self.world.scheduler.call_later(0.05 + self.world.latency(), self.connect)

    def stall(self, seconds: float) -> None:
        """Take nothing from the socket for a while."""
        self.stalled = True
        self.stalled_until = self.world.scheduler.now + seconds
        self.world.scheduler.call_later(seconds, self.go_on)

    def go_on(self) -> None:
        if self.stalled:
            self.stalled = False
            if self.wire is not None:
                self.wire.deliver()

    # Asking.

    def ask(self, command: c.ClientCommand) -> None:
        """Send a command and note it."""
        if self.wire is None or len(self.open) >= PENDING_MAX:
            return
        world = self.world
        command.id = self._next()
        operation = world.histories[command.event].call(
            self.number,
            self.user,
            command,
            organizer=self.organizer,
            at_s=world.scheduler.now,
            origin=None if self.organizer else self.origin,
        )
        if command.key is not None:
            self.keyed.append(operation)
            if len(self.keyed) > KNOWN_MAX:
                del self.keyed[0]
        self.open[command.id] = operation
        world.commands += 1
        self.wire.send(self.tongue.encode(command))

    def again(self, operation: Operation) -> None:
        """Ask the very same with the same key."""
        if self.wire is not None:
            command = msgspec.structs.replace(operation.command)
            self.ask(command)  # type: ignore[arg-type]

    def _say(self, frame: Struct) -> None:
        assert self.wire is not None
        self.open[frame.id] = frame  # type: ignore[attr-defined]
        self.wire.send(self.tongue.encode(frame))

    def mumble(self, data: bytes) -> None:
        """Send what is no frame; the answer has no id."""
        if self.wire is not None:
            self.wire.send(data)

    def ping(self) -> None:
        if self.wire is not None:
            self._say(frames.Ping(id=self._next()))

    def unwatch(self, event: str) -> None:
        view = self.views.get(event)
        if self.wire is not None and view is not None and view.state in SEEING:
            del self.views[event]
            self._say(Unwatch(id=self._next(), event=event))

    def _next(self) -> int:
        self._frames += 1
        return self._frames

    def key(self) -> str:
        self._keys += 1
        return f"{self.number}-{self._keys}"

    # Hearing.

    def hear(self, data: bytes, versions: tuple[int, ...]) -> None:
        """Take what one write of the server's brought."""
        self.world.heard(data)
        news = self.world.news.get(data)
        if news is not None:
            for one in news:
                self._learn(one, versions)
            return
        news = []
        answered = False
        for kind, payload in frames_of(data):
            if kind == 8:
                self.closed()
                return
            if kind > 2:
                continue
            peeked = self.tongue.peek(payload)
            if peeked.id is not None and peeked.op != "error":
                answered = True
                self._answered(peeked.id, payload, versions)
            else:
                one = self.tongue.news(payload)
                news.append(one)
                self._learn(one, versions)
        # An answer in the same write is for its client alone, and never remembered.
        if news and not answered:
            self.world.remember(data, news)

    def _answered(self, frame_id: int, payload: bytes, versions: Any) -> None:
        world = self.world
        asked = self.open.pop(frame_id, None)
        if asked is None:
            world.violate(f"Client {self.number} was answered twice: {payload!r}")
            return
        if not isinstance(asked, Operation):
            self._told(asked, payload, versions)
            return
        command = asked.command
        reply = self.tongue.reply[type(command)](payload)
        version = reply.version
        event = command.event
        if version is not msgspec.UNSET and version > versions[world.numbers[event]]:
            world.violate(f"{asked} was told of {version} before it was durable")
        world.histories[event].returned(asked, reply, world.scheduler.now)
        self._check_patience(asked)
        if type(reply) is Refused:
            if reply.code == "outcome_unknown":
                if asked.key is not None:
                    self.unsure.append(asked)
            elif reply.code in ("hold_not_found", "hold_expired"):
                _drop(self.holds[event], command.hold)  # type: ignore[union-attr]
        elif type(reply) is HoldOk:
            if reply.hold not in self.holds[event]:
                self.holds[event].append(reply.hold)
                del self.holds[event][:-KNOWN_MAX]
        elif type(reply) is BookOk:
            _drop(self.holds[event], command.hold)  # type: ignore[union-attr]
            self.bookings[event].append(reply.booking)
            del self.bookings[event][:-KNOWN_MAX]
        elif type(command) is c.Cancel:
            _drop(self.bookings[event], command.booking)
        elif type(reply) is HoldingOk:
            self.holds[event] = [hold.hold for hold in reply.holds][-KNOWN_MAX:]

    def _check_patience(self, asked: Operation) -> None:
        """Every command is answered in time by a process that runs: L5."""
        world, wire_ = self.world, self.wire
        took_s = world.scheduler.now - asked.called_s
        if took_s <= ANSWER_S_MAX or not world.prompt or wire_ is None:
            return
        held_up = max(self.stalled_until, wire_.process.paused_until)
        if held_up < asked.called_s:
            world.violate(f"{asked} was answered after {took_s:.1f} s: {asked.reply}")

    def _told(self, asked: Struct, payload: bytes, versions: Any) -> None:
        """Hear the answer to what is no command."""
        if type(asked) is not Watch:
            decode = self.tongue.reply.get(type(asked), self.tongue.plain)
            if type(decode(payload)) is Refused and type(asked) is frames.Hello:
                self.leave(0, lost=True)
            return
        reply = self.tongue.reply[Watch](payload)
        view = self.views.get(asked.event)
        if view is None:
            return
        if type(reply) is Refused:
            view.state = "refused"
            self.world.scheduler.call_later(0.5, self._watch_again, asked.event)
        elif reply.resumed:
            if asked.since is None:
                self.world.violate(f"Client {self.number} was resumed from nowhere")
            view.state = "resumed"
        else:
            view.state = "snapshot"

    def _watch_again(self, event: str) -> None:
        view = self.views.get(event)
        if self.wire is not None and view is not None and view.state == "refused":
            self.watch(event, view)

    def _learn(self, news: Any, versions: tuple[int, ...]) -> None:
        """Hear what nobody asked for: S7, S8 and S9."""
        kind = type(news)
        if kind is frames.Expired:
            self.world.expired.append((news.event, self.user, news.hold))
            _drop(self.holds[news.event], news.hold)
        elif kind in (frames.Snapshot, frames.Delta, frames.Beat):
            self._look(kind, news, versions)
        elif kind is frames.Bye:
            self.farewell = news
        elif kind is frames.ErrorFrame and news.id is not None:
            self.world.violate(f"Client {self.number} was not understood: {news}")

    def _look(self, kind: type, news: Any, versions: tuple[int, ...]) -> None:
        world, view = self.world, self.views.get(news.event)
        version = news.to if kind is frames.Delta else news.version
        if version > versions[world.numbers[news.event]]:
            world.violate(f"Watchers saw {news} before it was durable")
        if view is None:
            return
        where = f"Client {self.number}, at {view.version} ({view.state}), was sent"
        if version < view.version and news.history_id == view.history_id:
            world.violate(f"{where} an older version: {news}")
        elif kind is frames.Beat or view.state in ("asked", "refused"):
            return  # An earlier watch goes on until a new one is accepted.
        elif kind is frames.Snapshot:
            if view.state == "resumed" and not world.forgetful:
                world.violate(f"{where} a snapshot, though it was to go on")
            view.history_id, view.version = news.history_id, version
            view.letters = bytearray(news.seats, "ascii")
            view.areas = dict(news.areas)
            view.state = "on"
            view.seen_at = self.wire.process if self.wire else None
        elif view.state not in ("on", "resumed"):
            world.violate(f"{where} a delta before its snapshot: {news}")
        elif news.base != view.version or news.history_id != view.history_id:
            world.violate(f"{where} a delta with a gap: {news}")
        else:
            for letter, seats in news.seats.items():
                for seat in seats:
                    view.letters[seat] = ord(letter)
            view.areas.update(news.areas)
            view.version = version
            view.state = "on"
            view.seen_at = self.wire.process if self.wire else None


def _drop(names: list[str], name: str | None) -> None:
    if name in names:
        names.remove(name)


def frames_of(data: bytes) -> list[tuple[int, bytes]]:
    """Split what was written at once into websocket frames."""
    found = []
    start = 0
    while start < len(data):
        kind, size = data[start] & 15, data[start + 1]
        start += 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size = int.from_bytes(data[start : start + width], "big")
            start += width
        found.append((kind, data[start : start + size]))
        start += size
    return found
