"""One client's side of the protocol: who it is, what it asks, what it is told.

Bytes in, frames out; a command is decoded once, goes to its event's mailbox and comes
back as a plain function call, with no task and no future of its own. The session never
waits: the reader (`websocket.py`) does, when too much is unanswered.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from time import time
from typing import TYPE_CHECKING, Any, Final

import structlog

from inventory.commands import Block, ClientCommand, Unblock
from inventory.ports import Envelope
from inventory.replies import Ok, Reply, refuse
from persistence.errors import Unavailable
from server import limits
from server.accounts.tokens import Identity
from server.envelopes import envelope_of
from server.organisations.machines import Machine, is_key
from server.realtime.hub import Hub
from server.realtime.keys import KEY_LOOK_S, Keys, TooManyKeys, refusal_of
from server.realtime.outlet import Outlet
from server.realtime.wire import (
    COMMANDS,
    ErrorFrame,
    FrameError,
    Hello,
    HelloOk,
    NotUtf8,
    Ping,
    SessionFrame,
    Unwatch,
    UnwatchEvents,
    Watch,
    WatchEvents,
    WatchOk,
    is_utf8,
    pong_frame,
)
from server.shards import EventNotFound, EventUnavailable, ServedEvent, Shards

if TYPE_CHECKING:
    import asyncio

NOT_UTF8: Final = "not UTF-8"
"""Why a connection ends whose text is none."""

log = structlog.get_logger()


class Rates:
    """What one connection may send; None of it matters with rates off."""

    __slots__ = ("_allowance", "_at", "refused")

    def __init__(self, now: float) -> None:
        self._allowance = limits.COMMANDS_BURST
        self._at = now
        self.refused = 0

    def allow(self, now: float) -> bool:
        """Take one frame from the allowance."""
        self._allowance = min(
            limits.COMMANDS_BURST,
            self._allowance + (now - self._at) * limits.COMMANDS_PER_S,
        )
        self._at = now
        if self._allowance < 1:
            self.refused += 1
            return False
        self._allowance -= 1
        self.refused = max(0, self.refused - 1)
        return True


class Session:
    """The protocol of one connection."""

    __slots__ = (
        "_greeter",
        "_held",
        "_hub",
        "_identify",
        "_keeper",
        "_keys",
        "_rates",
        "_room",
        "_shards",
        "_tasks",
        "_timer",
        "_watched",
        "in_flight",
        "outlet",
        "reply",
        "user",
    )

    def __init__(
        self,
        outlet: Outlet,
        hub: Hub,
        shards: Shards,
        identify: Callable[[str], Identity | None],
        *,
        limited: bool,
        keys: Keys | None = None,
    ) -> None:
        self.outlet = outlet
        self.user: Identity | None = None
        self.in_flight = 0
        self.reply = self._reply
        self._hub = hub
        self._shards = shards
        self._identify = identify
        self._keys = keys
        self._greeter: asyncio.Task[None] | None = None
        """Looks up the key that a machine says hello with."""
        self._held: list[bytes] = []
        """Frames that came meanwhile."""
        self._keeper: asyncio.Task[None] | None = None
        """Looks at a machine's key again."""
        self._rates = Rates(hub.now()) if limited else None
        self._room: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watched: set[str] = set()
        self._timer: asyncio.TimerHandle | None = hub.loop.call_later(
            limits.HELLO_S_MAX, outlet.close, 4001, "say hello first", 0
        )
        hub.outlets.add(outlet)

    def sign_in(self, user: Identity, key: str = "") -> None:
        """Take the caller as known from here on, a machine for as long as its key."""
        if self.user is not None:
            self._hub.left(self.outlet, self.user.user)
            self._hub.outlets.add(self.outlet)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
        if isinstance(user, Machine):
            assert self._keys is not None
            keeping = self._keep(user, key, self._keys)
            self._keeper = self._hub.loop.create_task(keeping)
        else:
            # Nobody stays longer than the token says that was shown.
            left_s = user.expires_at_s - time()
            self._timer = self._hub.loop.call_later(
                max(0.0, left_s), self.outlet.close, 4001, "the token has expired", 0
            )
        self.user = user
        self.outlet.session = user.session
        self._hub.signed_in(self.outlet, user.user)

    def close(self) -> None:
        """Forget the connection; what it asked is still decided."""
        if self._timer is not None:
            self._timer.cancel()
        for event in self._watched:
            self._hub.events[event].unwatch(self.outlet)
        self._hub.live.leave(self.outlet)
        self._hub.left(self.outlet, self.user.user if self.user else None)
        for task in (*self._tasks, self._greeter, self._keeper):
            if task is not None:
                task.cancel()

    def receive(self, data: bytes) -> None:
        """Take one client frame."""
        if self._greeter is not None:
            # Whose it is turns out in a moment; the reader waits, so they are few.
            self._held.append(data)
            return
        try:
            frame: Any = self.outlet.codec.decode(data)
        except FrameError as error:
            if self._allowed() is not False:
                self.outlet.send(ErrorFrame(error.frame_id, error.code, error.detail))
            return
        except NotUtf8:
            self.outlet.close(1007, NOT_UTF8, 0)
            return
        self.in_flight += 1
        if self._rates is not None and not self._allowed():
            self._answer(frame.id, refuse("overloaded"))
        elif type(frame) in COMMANDS:
            self._command(frame, len(data))
        else:
            self._take(frame)

    def receive_other(self, data: bytes, *, text: bool) -> None:
        """Take a frame of the kind that the subprotocol does not speak."""
        if text and not is_utf8(data):
            self.outlet.close(1007, NOT_UTF8, 0)
        else:
            self.receive(b"")

    def _take(self, frame: SessionFrame) -> None:
        """Take a frame that is no command."""
        if isinstance(frame, Hello):
            self._hello(frame)
        elif isinstance(frame, Ping):
            self._answer(frame.id, Ok())
        elif self.user is None:
            self._answer(frame.id, refuse("unauthenticated"))
        elif isinstance(self.user, Machine) and (
            refused := refusal_of(self.user, frame)
        ):
            self._answer(frame.id, refused)
        elif isinstance(frame, Watch):
            watcher = self.user
            self._later(
                frame.id,
                frame.event,
                lambda local: self._watch(frame, watcher, local),
            )
        elif isinstance(frame, WatchEvents):
            self._hub.live.listen(self.outlet, frame)
            self._answer(frame.id, Ok())
        elif isinstance(frame, UnwatchEvents):
            self._hub.live.leave(self.outlet)
            self._answer(frame.id, Ok())
        elif self._tasks and frame.event not in self._shards.active:
            self._spawn(self._unwatch_later(frame))
        else:
            self._unwatch(frame)

    def hear(self, ping: bytes | None) -> None:
        """Take a control frame: answer a ping, and count all of them."""
        if self._allowed() and ping is not None:
            self.outlet.write(pong_frame(ping))

    def must_wait(self) -> bool:
        """Tell whether the reader should wait for `room` before the next frame."""
        return (
            self.in_flight >= limits.IN_FLIGHT_MAX
            or self._greeter is not None
            or self.outlet.full()
        )

    async def room(self) -> None:
        """Wait until fewer frames are unanswered and the client took its replies."""
        outlet = self.outlet
        while self.must_wait() and not outlet.is_over():
            self._room = self._hub.loop.create_future()
            # Also where only answers are missing: it hears when the connection ends.
            outlet.when_roomy(self._make_room)
            await self._room
        self._room = None

    def _allowed(self) -> bool:
        """Count a frame against the connection's rate; close it when it floods."""
        if self._rates is None or self._rates.allow(self._hub.now()):
            return True
        if self._rates.refused > limits.FLOOD_REFUSALS_MAX:
            self.outlet.close(4029, "too many frames", 5_000)
        return False

    def _command(self, command: ClientCommand, size: int) -> None:
        """Send a command to its event; the reply comes back to `reply`."""
        user = self.user
        if user is None:
            self._answer(command.id, refuse("unauthenticated"))
            return
        # On the path of every command, and `isinstance` of a struct takes five times as
        # long.
        if type(user) is Machine:
            refused = refusal_of(user, command)
            if refused is not None:
                self._answer(command.id, refused)
                return
        local = self._shards.active.get(command.event)
        if local is not None:
            self._offer(command, size, user, local)
            return
        blocks = isinstance(command, Block | Unblock)
        if blocks and user.role == "guest":
            # Before the event is looked for, as the order of refusals has it.
            self._answer(command.id, refuse("forbidden"))
            return
        self._later(
            command.id,
            command.event,
            lambda found: self._offer(command, size, user, found),
            # Only who may manage any event learns which events there are by this.
            "forbidden" if blocks and not user.organizer else "event_not_found",
        )

    def _offer(
        self, command: ClientCommand, size: int, user: Identity, local: ServedEvent
    ) -> None:
        """Give a command to its event, with what the caller is to that event."""
        if local.seller is not None and local.is_hidden_from(user):
            # Nothing tells it from an event that there is not.
            blocks = isinstance(command, Block | Unblock)
            code = "forbidden" if blocks and not user.organizer else "event_not_found"
            self._answer(command.id, refuse(code))
            return
        organizer = local.is_run_by(user)
        local.offer(envelope_of(command, user.user, organizer, self.reply, size=size))

    def _reply(self, envelope: Envelope, reply: Reply) -> None:
        """Answer a command; called by the actor after the commit."""
        self._answer(envelope.command.id, reply)

    def _answer(self, frame_id: int, reply: Reply) -> None:
        reply.id = frame_id
        outlet = self.outlet
        self.in_flight -= 1
        if self.in_flight:
            # More answers are due, perhaps of the same commit.
            outlet.write_soon(outlet.codec.pack(reply))
        else:
            outlet.write(outlet.codec.pack(reply))
        if self._room is not None:
            self._make_room()

    def _make_room(self) -> None:
        room = self._room
        if room is not None and not room.done():
            room.set_result(None)

    def _hello(self, frame: Hello) -> None:
        if self._keys is not None and is_key(frame.token):
            greeting = self._greet(frame, self._keys)
            self._greeter = self._hub.loop.create_task(greeting)
            return
        user = self._identify(frame.token)
        if user is None:
            self._answer(frame.id, refuse("unauthenticated"))
            return
        self._welcome(frame, user)

    async def _greet(self, frame: Hello, keys: Keys) -> None:
        """Answer the hello of a machine, and then what came after it."""
        code, machine = "unauthenticated", None
        try:
            machine = await keys.find(frame.token)
        except TooManyKeys:
            code = "overloaded"
        except Unavailable:
            code = "unavailable"
        self._greeter = None
        if machine is None:
            self._answer(frame.id, refuse(code))
        else:
            self._welcome(frame, machine)
        held, self._held = self._held, []
        for data in held:
            if not self.outlet.is_over():
                self.receive(data)
        self._make_room()

    async def _keep(self, machine: Machine, key: str, keys: Keys) -> None:
        """Look at a machine's key again and again; close the socket when it is over."""
        found: Machine | None = machine
        while found is not None:
            left_s = found.expires_at_s - time()
            try:
                within_s = min(KEY_LOOK_S, max(1.0, left_s))
                found = await keys.find_again(key, within_s)
            except Unavailable as error:
                # Nothing can be revoked while the database is away.
                log.debug("a key is not looked at", reason=str(error))
        self.outlet.close(4001, "the key is not good any more", 0)

    def _welcome(self, frame: Hello, user: Identity) -> None:
        self.sign_in(user, frame.token)
        self._answer(
            frame.id,
            HelloOk(
                user={"id": user.user, "role": user.role},
                protocol=1,
                limits={
                    "in_flight": limits.IN_FLIGHT_MAX,
                    "frame_bytes": limits.FRAME_BYTES_MAX,
                    "commands_per_s": limits.COMMANDS_PER_S,
                    "commands_burst": limits.COMMANDS_BURST,
                    "watches": limits.WATCHES_PER_CONNECTION_MAX,
                },
            ),
        )

    def _watch(self, frame: Watch, user: Identity, local: ServedEvent) -> None:
        """Answer first, then send the snapshot or go on from `since`."""
        if local.is_hidden_from(user):
            self._answer(frame.id, refuse("event_not_found"))
            return
        board = local.board
        since = frame.since
        if (
            len(self._watched) >= limits.WATCHES_PER_CONNECTION_MAX
            and frame.event not in self._watched
        ):
            self._answer(frame.id, refuse("overloaded", "Too many events watched."))
            return
        resumed = (
            since is not None
            and since.history_id == board.history_id
            and since.version >= 0
            and board.reaches(since.version)
        )
        reply = WatchOk(resumed=resumed, version=board.version)
        address = local.address
        if address is not None:
            reply.address = address
        self._answer(frame.id, reply)
        self._watched.add(frame.event)
        cursor = since.version if since is not None and resumed else None
        local.hub.watch(self.outlet, cursor)

    async def _unwatch_later(self, frame: Unwatch) -> None:
        """Unwatch what is being loaded, after a `watch` that waits for it."""
        with suppress(EventNotFound, EventUnavailable):
            await self._shards.find(frame.event)
        self._unwatch(frame)

    def _unwatch(self, frame: Unwatch) -> None:
        reply = Ok()
        # Also where the event has no owner at this moment: its watchers stay.
        event = self._hub.events.get(frame.event)
        if event is not None:
            event.unwatch(self.outlet)
            reply.version = event.board.version
        self._watched.discard(frame.event)
        self._answer(frame.id, reply)

    def _later(
        self,
        frame_id: int,
        event: str,
        use: Callable[[ServedEvent], None],
        missing: str = "event_not_found",
    ) -> None:
        """Do something with an event, at once or when it is loaded."""
        local = self._shards.active.get(event)
        if local is not None:
            use(local)
        else:
            self._spawn(self._load(frame_id, event, use, missing))

    async def _load(
        self,
        frame_id: int,
        event: str,
        use: Callable[[ServedEvent], None],
        missing: str,
    ) -> None:
        try:
            local = await self._shards.find(event)
        except EventNotFound:
            self._answer(frame_id, refuse(missing))
        except EventUnavailable:
            self._answer(frame_id, refuse("unavailable"))
        else:
            use(local)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._hub.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
