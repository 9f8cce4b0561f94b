"""Who a session tells what, until when, and who is not listened to any longer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from aiohttp import web

from inventory.ports import Envelope, Expiry
from inventory.replies import Ok
from server.base import limits
from server.base.identity import Identity
from server.live.actors.registry import EventRegistry, ServedEvent
from server.live.fanout.frames import JSON
from server.live.fanout.writer import Writer
from server.live.websocket.frame_table import FRAME_TABLE, FrameTable
from server.live.websocket.machines import Keys
from server.live.websocket.sender import Sender
from server.live.websocket.session import Session
from server.live.websocket.watching import FRAMES
from server.people.organisations.membership_cache import Seller
from server.transport.capability.frame_row import FrameRow
from tests.fakes import ManualClock, MemoryJournal, Notes, NumberedIds
from tests.server.live.fanout.test_hub import EVENT, Pipe, Stand, turns

if TYPE_CHECKING:
    from persistence.events.catalog import Catalog


class Line(Pipe):
    """A transport that is closed by its own side, and remembers with which code."""

    def __init__(self) -> None:
        super().__init__()
        self.code: int | None = None
        self.ended = False
        self.writes = 0

    def write(self, data: bytes) -> None:
        assert not self.ended
        self.writes += 1
        if data[0] == 0x88:
            self.code = int.from_bytes(data[2:4], "big")
        elif data[0] == 0x81:
            super().write(data)

    def write_eof(self) -> None:
        self.ended = True


class Guest:
    """A connection to the one event of a stand, and its clock."""

    def __init__(
        self,
        stand: Stand,
        *,
        limited: bool,
        keys: Keys | None = None,
        rows: Iterable[FrameRow[Any]] = FRAMES,
        sender: Sender | None = None,
    ) -> None:
        self.stand = stand
        self.now = 1_000.0
        stand.hub.now = lambda: self.now
        self.line = Line()
        self.offered: list[Envelope] = []
        clock = ManualClock()
        self.registry = registry = EventRegistry(
            # Never asked: the event is served already.
            cast("Catalog", None),
            MemoryJournal(clock),
            stand.hub,
            clock,
            NumberedIds(),
            Notes(),
        )
        registry.active[EVENT] = ServedEvent(stand.event, self.offered.append)
        self.app = web.Application()
        self.app[FRAME_TABLE] = FrameTable(rows)
        self.session = Session(
            Writer(cast("asyncio.Transport", self.line), JSON),
            stand.hub,
            registry,
            lambda token: Identity(token, "guest", 1 << 33),
            self.app,
            limited=limited,
            keys=keys,
            sender=sender,
        )

    def say(self, op: str, **fields: object) -> list[dict[str, Any]]:
        """Send one frame and return what is told at once."""
        self.session.receive(msgspec.json.encode({"op": op, "id": 1, **fields}))
        return self.line.frames()

    def expire(self, user: str) -> list[dict[str, Any]]:
        """Let a hold of this user's run out, and return what is told here."""
        self.stand.hub.tell_expired(EVENT, Expiry(user, "secret", ["A-1"], {}))
        return self.line.frames()


@asynccontextmanager
async def connected(
    *,
    limited: bool = False,
    keys: Keys | None = None,
    rows: Iterable[FrameRow[Any]] = FRAMES,
    sender: Sender | None = None,
) -> AsyncIterator[Guest]:
    guest = Guest(Stand(), limited=limited, keys=keys, rows=rows, sender=sender)
    try:
        yield guest
    finally:
        guest.session.close()


async def test_a_session_that_ended_is_forgotten() -> None:
    async with connected() as guest:
        stand = guest.stand
        guest.say("hello", token="anna")
        answer, snapshot = guest.say("watch", event=EVENT)
        assert (answer["op"], snapshot["op"]) == ("ok", "snapshot")
        assert [frame["op"] for frame in guest.expire("anna")] == ["expired"]
        guest.session.close()
        assert not stand.event.watchers
        assert not stand.hub.writers
        assert not stand.hub.by_user
        stand.commit([0])
        await turns()
        assert guest.expire("anna") == []


async def test_an_event_without_an_owner_can_be_unwatched() -> None:
    async with connected() as guest:
        guest.say("hello", token="anna")
        guest.say("watch", event=EVENT)
        del guest.registry.active[EVENT]
        assert [frame["op"] for frame in guest.say("unwatch", event=EVENT)] == ["ok"]
        assert not guest.stand.event.watchers


async def test_an_unwatch_comes_after_the_watch_that_waits_for_its_event() -> None:
    async with connected() as guest:
        guest.say("hello", token="anna")
        served = guest.registry.active.pop(EVENT)
        loaded = asyncio.Event()

        async def load() -> ServedEvent:
            await loaded.wait()
            guest.registry.active[EVENT] = served
            return served

        guest.registry._loading[EVENT] = asyncio.create_task(load())
        assert guest.say("watch", event=EVENT) == []
        assert guest.say("unwatch", event=EVENT) == []
        loaded.set()
        await turns()
        told = [frame["op"] for frame in guest.line.frames()]
        assert told == ["ok", "snapshot", "ok"]
        assert not guest.stand.event.watchers


async def test_who_becomes_somebody_else_hears_nothing_of_the_former() -> None:
    async with connected() as guest:
        guest.say("hello", token="anna")
        guest.say("hello", token="ben")
        assert guest.expire("anna") == []
        assert [frame["hold"] for frame in guest.expire("ben")] == ["secret"]
        assert guest.session.writer in guest.stand.hub.writers


def keep_on(goes_on: bool) -> None:
    """Take what is said of the connection, of which its end tells as well."""


FLOODS: dict[str, Callable[[Session], None]] = {
    "frames": lambda session: session.receive(b'{"op":"ping","id":1}'),
    "junk": lambda session: session.receive(b"junk"),
    "what is no message": lambda session: keep_on(session.count(1)),
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_who_goes_on_flooding_is_closed_with_4029(kind: str) -> None:
    send = FLOODS[kind]
    async with connected(limited=True) as guest:
        for _ in range(round(limits.COMMANDS_BURST) + limits.FLOOD_REFUSALS_MAX):
            send(guest.session)
        assert not guest.line.ended
        guest.line.frames()
        send(guest.session)
        (bye,) = [frame for frame in guest.line.frames() if frame["op"] == "bye"]
        assert bye["code"] == guest.line.code == 4029
        assert guest.line.ended


async def test_who_is_refused_and_then_waits_is_listened_to_again() -> None:
    async with connected(limited=True) as guest:
        for _ in range(3):
            for _ in range(round(limits.COMMANDS_BURST)):
                assert [frame["op"] for frame in guest.say("ping")] == ["ok"]
            for _ in range(limits.FLOOD_REFUSALS_MAX):
                (refused,) = guest.say("ping")
                assert refused["code"] == "overloaded"
            guest.now += limits.COMMANDS_BURST / limits.COMMANDS_PER_S + 0.1
        assert not guest.line.ended
        assert guest.session.in_flight == 0


async def test_a_steady_flood_is_closed_within_a_second_or_two() -> None:
    async with connected(limited=True) as guest:
        said = 0
        while not guest.line.ended and said < 1_000:
            guest.now += 1 / 500
            guest.say("ping")
            said += 1
        assert guest.line.ended


async def test_without_limits_nobody_is_refused() -> None:
    async with connected() as guest:
        for _ in range(round(limits.COMMANDS_BURST) + limits.FLOOD_REFUSALS_MAX + 1):
            assert [frame["op"] for frame in guest.say("ping")] == ["ok"]


async def test_answers_of_one_commit_are_written_in_one_go() -> None:
    async with connected() as guest:
        guest.say("hello", token="anna")
        for frame_id in range(4):
            command = {"op": "holding", "id": frame_id, "event": EVENT}
            guest.session.receive(msgspec.json.encode(command))
        before = guest.line.writes
        first, second, third, last = guest.offered
        for envelope in (first, second):
            envelope.reply(envelope, Ok())
        assert guest.line.writes == before
        await turns()
        assert guest.line.writes == before + 1
        # With the last one that is due nothing is waited for.
        for envelope in (third, last):
            envelope.reply(envelope, Ok())
        assert guest.line.writes == before + 2
        await turns()
        assert [frame["id"] for frame in guest.line.frames()] == [0, 1, 2, 3]
        assert guest.line.writes == before + 2


def sold_by(guest: Guest, **roles: str) -> None:
    """Let the event belong to an organisation in which these are something."""
    seller = Seller("org")
    seller.roles, seller.read_at = cast("Any", roles), monotonic()
    guest.registry.active[EVENT].seller = seller


async def test_a_command_goes_with_what_the_caller_is_to_the_event() -> None:
    async with connected() as guest:
        sold_by(guest, anna="leader", bert="staff")
        for user, runs in (("anna", True), ("bert", False), ("cleo", False)):
            guest.say("hello", token=user)
            assert guest.say("block", event=EVENT, seats=["A-1"]) == []
            assert guest.offered[-1].organizer == runs


@pytest.mark.parametrize(
    ("role", "runs"), [("organizer", False), ("admin", True), ("customer", False)]
)
async def test_organisers_are_strangers_to_what_others_made(role: Any, runs) -> None:
    async with connected() as guest:
        guest.registry.active[EVENT].maker = "olga"
        guest.session._identify = lambda token: Identity(token, role, 1 << 33)
        for user in ("otto", "olga"):
            guest.say("hello", token=user)
            guest.say("block", event=EVENT, seats=["A-1"])
            made = role == "organizer" and user == "olga"
            assert guest.offered[-1].organizer == (runs or made)
        sold_by(guest, anna="leader")
        guest.say("block", event=EVENT, seats=["A-1"])
        assert guest.offered[-1].organizer == runs


async def test_a_draft_is_there_for_who_made_it_only() -> None:
    async with connected() as guest:
        board = guest.stand.event.board
        board.settings = msgspec.structs.replace(board.settings, sale_state="draft")
        guest.registry.active[EVENT].maker = "olga"
        guest.session._identify = lambda token: Identity(token, "organizer", 1 << 33)
        guest.say("hello", token="otto")
        for fields in (
            {"op": "watch"},
            {"op": "hold", "seats": ["A-1"]},
            {"op": "block", "seats": ["A-1"]},
        ):
            (refused,) = guest.say(**fields, event=EVENT)
            assert (refused["op"], refused["code"]) == ("refused", "event_not_found")
        assert not guest.offered
        assert not guest.stand.event.watchers
        # Of an event that there is not, it tells no version either.
        (left,) = guest.say("unwatch", event=EVENT)
        (nothing,) = guest.say("unwatch", event="evt_of_nobody")
        assert left.keys() == nothing.keys()
        guest.say("hello", token="olga")
        assert guest.say("watch", event=EVENT)[0]["op"] == "ok"
        assert guest.say("hold", event=EVENT, seats=["A-1"]) == []
        assert guest.offered


async def test_a_draft_of_an_organisation_is_watched_by_its_people_only() -> None:
    async with connected() as guest:
        board = guest.stand.event.board
        board.settings = msgspec.structs.replace(board.settings, sale_state="draft")
        sold_by(guest, bert="staff")
        guest.say("hello", token="anna")
        (refused,) = guest.say("watch", event=EVENT)
        assert (refused["op"], refused["code"]) == ("refused", "event_not_found")
        assert not guest.stand.event.watchers
        guest.say("hello", token="bert")
        answer, _ = guest.say("watch", event=EVENT)
        assert answer["op"] == "ok"
