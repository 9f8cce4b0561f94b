"""One client's side of the protocol: who it is, what it asks, what it is told.

Bytes in, frames out; a command is decoded once, goes to its event's mailbox and comes
back as a plain function call, with no task and no future of its own. The session never
waits: the reader (`handler.py`) does, when too much is unanswered. It knows `hello`,
`ping` and commands; all other frames are in the table of `frame_table.py`.
"""

from collections.abc import Callable, Coroutine
from time import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiohttp import WSCloseCode, web

from inventory.commands import Block, ClientCommand, Unblock
from inventory.ports import Envelope
from inventory.replies import HoldOk, Ok, Reply, refuse
from persistence.errors import Unavailable
from server.base import limits
from server.base.access import Denial, may_command, missing_event
from server.base.identity import GuestBook, Identity, Machine
from server.live.actors.envelopes import envelope_of
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    ServedEvent,
)
from server.live.fanout.frames import (
    COMMANDS,
    ErrorFrame,
    Frame,
    FrameError,
    Hello,
    HelloOk,
    NotUtf8,
    Ping,
    is_utf8,
    pong_frame,
)
from server.live.fanout.hub import Hub
from server.live.fanout.writer import Writer
from server.live.websocket.frame_table import FRAME_TABLE
from server.live.websocket.kept import K, Kept
from server.live.websocket.machines import (
    KEY_LOOK_S,
    Keys,
    TooManyKeys,
    refusal_for,
    refusal_of,
)
from server.live.websocket.rates import Rates

if TYPE_CHECKING:
    import asyncio

    from inventory.rejections import Code
    from server.live.websocket.sender import Sender

NO_EVENT: Final = Denial("event_not_found")

NOT_UTF8: Final = "not UTF-8"
"""Why a connection ends whose text is none."""

log = structlog.get_logger()


class Session:
    """The protocol of one connection."""

    __slots__ = (
        "_book",
        "_decoder",
        "_greeter",
        "_held",
        "_identify",
        "_keeper",
        "_kept",
        "_keys",
        "_rates",
        "_room",
        "_rows",
        "_tasks",
        "_timer",
        "app",
        "hub",
        "in_flight",
        "registry",
        "reply",
        "sender",
        "user",
        "writer",
    )

    def __init__(
        self,
        writer: Writer,
        hub: Hub,
        registry: EventRegistry,
        identify: Callable[[str], Identity | None],
        app: web.Application,
        *,
        limited: bool,
        keys: Keys | None = None,
        sender: "Sender | None" = None,
    ) -> None:
        self.writer = writer
        self.user: Identity | None = None
        self.in_flight = 0
        self.reply = self._reply
        self.app = app
        """Where handlers of frames find their capability."""
        self.hub = hub
        self.registry = registry
        table = app[FRAME_TABLE]
        self._decoder = table.decoders[writer.codec]
        self._rows = table.by_kind
        self._identify = identify
        self._keys = keys
        self.sender = sender
        self._greeter: asyncio.Task[None] | None = None
        """Looks up who says hello, where that must be asked."""
        self._book: GuestBook | None = None
        """Where it is to be noted that this guest holds something."""
        self._held: list[bytes] = []
        """Frames that came meanwhile."""
        self._keeper: asyncio.Task[None] | None = None
        """Looks at a machine's key again."""
        self._rates = Rates(hub.now()) if limited else None
        self._room: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._kept: tuple[Kept, ...] = ()
        """What capabilities keep for this connection: a dict would take four times as
        much."""
        self._timer: asyncio.TimerHandle | None = hub.loop.call_later(
            limits.HELLO_S_MAX, writer.close, 4001, "say hello first", 0
        )
        hub.writers.add(writer)

    def sign_in(self, user: Identity, key: str = "") -> None:
        """Take the caller as known from here on, a machine for as long as its key."""
        if self.user is not None:
            self.hub.left(self.writer, self.user.user)
            self.hub.writers.add(self.writer)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
        if isinstance(user, Machine):
            assert self._keys is not None
            keeping = self._keep(user, key, self._keys)
            self._keeper = self.hub.loop.create_task(keeping)
        else:
            # Nobody stays longer than the token says that was shown.
            left_s = user.expires_at_s - time()
            self._timer = self.hub.loop.call_later(
                max(0.0, left_s), self.writer.close, 4001, "the token has expired", 0
            )
        keys = self._keys if user.role == "guest" else None
        self._book = None if keys is None else keys.guests
        self.user = user
        self.writer.session = user.session
        self.hub.signed_in(self.writer, user.user)

    def close(self) -> None:
        """Forget the connection; what it asked is still decided."""
        if self._timer is not None:
            self._timer.cancel()
        for kept in self._kept:
            kept.close()
        self._kept = ()
        self.hub.left(self.writer, self.user.user if self.user else None)
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
            frame: Any = self._decoder.decode(data)
        except FrameError as error:
            if self._allowed() is not False:
                self.writer.send(ErrorFrame(error.frame_id, error.code, error.detail))
            return
        except NotUtf8:
            self.writer.close(1007, NOT_UTF8, 0)
            return
        self.in_flight += 1
        if self._rates is not None and not self._allowed():
            self.answer(frame.id, refuse("overloaded"))
        elif type(frame) in COMMANDS:
            self._command(frame, len(data))
        else:
            self._take(frame)

    def receive_other(self, data: bytes, *, text: bool) -> None:
        """Take a frame of the kind that the subprotocol does not speak."""
        if text and not is_utf8(data):
            self.writer.close(1007, NOT_UTF8, 0)
        else:
            self.receive(b"")

    def _take(self, frame: Frame) -> None:
        """Take a frame that is no command."""
        user = self.user
        if isinstance(frame, Hello):
            self._hello(frame)
        elif isinstance(frame, Ping):
            self.answer(frame.id, Ok())
        elif user is None:
            self.answer(frame.id, refuse("unauthenticated"))
        else:
            row = self._rows[type(frame)]
            refused = None
            if isinstance(user, Machine):
                refused = refusal_for(user, row.scope)
            if refused is not None:
                self.answer(frame.id, refused)
            else:
                row.handle(self, user, frame)

    def hear(self, ping: bytes | None) -> None:
        """Take a control frame, which was counted when it came; answer a ping."""
        if ping is not None:
            self.writer.write(pong_frame(ping))

    def count(self, frames: int) -> bool:
        """Count frames that are no messages; return whether the connection goes on."""
        rates, writer = self._rates, self.writer
        if frames and rates is not None and not writer.is_over():
            rates.take(frames, self.hub.now())
            self._end_flood(rates)
        return not writer.is_over()

    def must_wait(self) -> bool:
        """Return whether the reader should wait for `room` before the next frame."""
        return (
            self.in_flight >= limits.IN_FLIGHT_MAX
            or self._greeter is not None
            or self.writer.full()
        )

    async def room(self) -> None:
        """Wait until fewer frames are unanswered and the client took its replies."""
        writer = self.writer
        while self.must_wait() and not writer.is_over():
            self._room = self.hub.loop.create_future()
            # Also where only answers are missing: it hears when the connection ends.
            writer.when_roomy(self._make_room)
            await self._room
        self._room = None

    def _allowed(self) -> bool:
        """Count a frame against the connection's rate; close it when it floods."""
        if self._rates is None or self._rates.allow(self.hub.now()):
            return True
        self._end_flood(self._rates)
        return False

    def _end_flood(self, rates: Rates) -> None:
        if rates.refused > limits.FLOOD_REFUSALS_MAX:
            self.writer.close(4029, "too many frames", 5_000)

    def _command(self, command: ClientCommand, size: int) -> None:
        """Send a command to its event; the reply comes back to `reply`."""
        user = self.user
        if user is None:
            self.answer(command.id, refuse("unauthenticated"))
            return
        sender = self.sender
        if sender is not None:
            refused = sender.spend(user)
            if refused is not None:
                self.answer(command.id, refused)
                return
        # On the path of every command, and `isinstance` of a struct takes five times as
        # long.
        if type(user) is Machine:
            refused = refusal_of(user, command)
            if refused is not None:
                self.answer(command.id, refused)
                return
        local = self.registry.active.get(command.event)
        if local is not None:
            self._offer(command, size, user, local)
            return
        blocks = isinstance(command, Block | Unblock)
        denial = may_command(user, blocks=blocks)
        if denial is not None:
            # Before the event is looked for, as the order of refusals has it.
            self._deny(command.id, denial)
            return
        loading = self._load(
            user,
            command.id,
            command.event,
            lambda found: self._offer(command, size, user, found),
            missing_event(user, blocks=blocks),
            # What was asked before with this key has its answer still.
            deleted=True,
        )
        self.spawn(loading)

    def _offer(
        self, command: ClientCommand, size: int, user: Identity, local: ServedEvent
    ) -> None:
        """Give a command to its event, with what the caller is to that event."""
        state = local.hub.board.settings.sale_state
        # On the path of every command: what is no draft is not asked about.
        if state == "draft" and local.is_hidden_from(user):
            # Nothing tells it from an event that there is not.
            blocks = isinstance(command, Block | Unblock)
            self._deny(command.id, missing_event(user, blocks=blocks))
            return
        organizer, sender = local.is_run_by(user), self.sender
        origin = None if sender is None or organizer else sender.origin
        local.offer(
            envelope_of(command, user.user, organizer, self.reply, size, origin)
        )

    def _deny(self, frame_id: int, denial: Denial) -> None:
        self.answer(frame_id, refuse(denial.code, denial.detail))

    def _reply(self, envelope: Envelope, reply: Reply) -> None:
        """Answer a command; called by the actor after the commit."""
        if self._book is not None and type(reply) is HoldOk:
            self._book.note(envelope.user)
            self._book = None
        self.answer(envelope.command.id, reply)

    def answer(self, frame_id: int, reply: Reply) -> None:
        """Answer the frame with this id; each is answered exactly once."""
        reply.id = frame_id
        writer = self.writer
        self.in_flight -= 1
        if self.in_flight:
            # More answers are due, perhaps of the same commit.
            writer.write_soon(writer.codec.pack(reply))
        else:
            writer.write(writer.codec.pack(reply))
        if self._room is not None:
            self._make_room()

    def _make_room(self) -> None:
        room = self._room
        if room is not None and not room.done():
            room.set_result(None)

    def _hello(self, frame: Hello) -> None:
        if self._keys is not None and self._keys.is_key(frame.token):
            greeting = self._greet(frame, self._keys.find(frame.token))
            self._greeter = self.hub.loop.create_task(greeting)
            return
        user = self._identify(frame.token)
        if user is None:
            self.answer(frame.id, refuse("unauthenticated"))
        elif self._keys is not None and self._keys.is_doubtful(user):
            greeting = self._greet(frame, self._keys.find_guest(user))
            self._greeter = self.hub.loop.create_task(greeting)
        else:
            self._welcome(frame, user)

    async def _greet(
        self, frame: Hello, asked: Coroutine[Any, Any, Identity | None]
    ) -> None:
        """Answer a hello that must be looked up, and then what came after it."""
        found: Identity | None = None
        code: Code = "unauthenticated"
        try:
            found = await asked
        except TooManyKeys:
            code = "overloaded"
        except Unavailable:
            code = "unavailable"
        self._greeter = None
        if found is not None and not isinstance(found, Machine):
            # It may have been ended while it was looked up.
            found = self._identify(frame.token)
        if found is None:
            self.answer(frame.id, refuse(code))
        else:
            self._welcome(frame, found)
        held, self._held = self._held, []
        for data in held:
            if not self.writer.is_over():
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
        self.writer.close(4001, "the key is not good any more", 0)

    def _welcome(self, frame: Hello, user: Identity) -> None:
        self.sign_in(user, frame.token)
        self.answer(
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

    def with_event(
        self,
        caller: Identity,
        frame_id: int,
        event: str,
        use: Callable[[ServedEvent], None],
    ) -> None:
        """Do something with an event that the caller may see, now or when it is loaded.

        Refused as `event_not_found` where there is none, or none any more, or a draft
        of others, and as `unavailable` where it cannot be loaded.
        """

        def use_visible(local: ServedEvent) -> None:
            if local.board.settings.deleted or local.is_hidden_from(caller):
                self._deny(frame_id, NO_EVENT)
            else:
                use(local)

        served = self.registry.active.get(event)
        if served is not None:
            use_visible(served)
        else:
            self.spawn(self._load(caller, frame_id, event, use_visible))

    def keep(self, kind: type[K]) -> K:
        """Return what a capability keeps for this connection, made on first use."""
        for known in self._kept:
            if type(known) is kind:
                return known
        kept = kind(self)
        self._kept += (kept,)
        return kept

    def is_waiting(self) -> bool:
        """Return whether something that was asked waits for its event, or the like."""
        return bool(self._tasks)

    async def _load(
        self,
        caller: Identity,
        frame_id: int,
        event: str,
        use: Callable[[ServedEvent], None],
        missing: Denial = NO_EVENT,
        *,
        deleted: bool = False,
    ) -> None:
        """Do something with an event when it is loaded, which it is not for anybody."""
        try:
            local = await self.registry.find_for(caller, event, deleted=deleted)
        except EventNotFound:
            self._deny(frame_id, missing)
        except EventUnavailable:
            self.answer(frame_id, refuse("unavailable"))
        else:
            use(local)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Let something go on beside the frames that come, until the connection ends.

        It ends the connection where it raises: what it had to answer never is.
        """
        task = self.hub.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._spawned_ended)

    def _spawned_ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a session broke", exc_info=error)
            self.writer.close(
                WSCloseCode.INTERNAL_ERROR, "an error of the server's own", 0
            )
