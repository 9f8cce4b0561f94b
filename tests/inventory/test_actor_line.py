"""The actor of an event with a line: what it does by itself, commits and tells."""

import pytest
from msgspec import msgpack

from inventory import limits
from inventory.changes import TURNS, AnyChange, TurnsKept
from inventory.commands import AnyCommand, GiveTurn
from inventory.line.wishes import Wish
from inventory.ports import StoredSnapshot
from inventory.snapshot import encode_snapshot
from tests.line_scene import SYSTEM, LineScene
from tests.scenario import hall
from tests.stage import Stage, soon, until, wake

HALL = hall("A 1111")
ROW = "A-1 A-2 A-3 A-4"


class Waiting(Stage):
    """A stage, and a scene that says what the desk would send."""

    def __init__(self, mode: str) -> None:
        self.scene = LineScene(HALL, mode, terms={"offer_s": 60, "turn_s": 60})
        super().__init__(HALL, self.scene.settings)

    async def system(self, command: AnyCommand) -> None:
        """Let the system do something, here and in the scene."""
        self.scene.ok(SYSTEM, command)
        reply = await self.ask("for:", command)
        assert not hasattr(reply, "code"), reply

    async def begin(self, *waiting: tuple[str, Wish | None]) -> None:
        """Open the event, its line, and let these join."""
        self.open()
        await self.ready()
        await self.system(self.scene.opening())
        for one in waiting:
            await self.system(self.scene.feeding([one]))

    @property
    def batches(self) -> list[list[AnyChange]]:
        return [
            msgpack.decode(row.body, type=list[AnyChange]) for row in self.head.rows
        ]


async def test_what_is_freed_is_committed_and_told_with_who_has_it_now():
    stage = Waiting("list")
    stage.open()
    await stage.ready()
    await stage.system(stage.scene.opening())
    hold = (await stage.ask("ann", f"hold {ROW}")).hold
    stage.scene.take("ann", *ROW.split())
    await stage.system(stage.scene.feeding([("bob", Wish(2))]))
    reply = await stage.ask("ann", f"release {hold}")
    assert [type(one).__name__ for one in stage.batches[-1]] == [
        "HoldReleased",
        "TurnGiven",
    ]
    assert stage.head.rows[-1].to == reply.version + 1
    publication = stage.board.publications[-1]
    assert publication.marks & TURNS
    (news,) = publication.turns
    assert (news.user, news.rank, news.because) == ("bob", 1, "returned")
    assert (news.seats, news.areas) == (["A-1", "A-2"], {})
    assert news.total is not None
    assert news.total.amount == 9_000
    booked = await stage.ask("bob", f"book {news.hold}")
    assert booked.seats == news.seats
    (over,) = stage.board.publications[-1].turns_over
    assert (over.user, over.rank, over.why) == ("bob", 1, "booked")
    await stage.close()


@pytest.mark.usefixtures("leases_last")
async def test_a_turn_ends_by_itself():
    stage = Waiting("fifo")
    await stage.begin(("ann", None))
    give = stage.scene.make(GiveTurn)
    await stage.system(give)
    stage.clock.advance(64.999)
    await wake(stage)
    assert len(stage.board.publications[-1].turns) == 1
    stage.clock.advance(0.001)
    await soon(lambda: stage.board.publications[-1].turns_over)
    (over,) = stage.board.publications[-1].turns_over
    assert (over.user, over.why) == ("ann", "ran_out")
    assert (await stage.ask("ann", "hold A-1")).code == "turn_over"
    await stage.close()


async def test_after_a_recovery_whose_turn_it_is_has_time_to_come_back():
    stage = Waiting("fifo")
    await stage.begin(("ann", None))
    await stage.system(stage.scene.make(GiveTurn))
    stage.clock.advance(58)
    await stage.reopen()
    (kept,) = [
        change
        for batch in stage.batches
        for change in batch
        if type(change) is TurnsKept
    ]
    assert kept.until_ms == stage.clock.now_ms() + limits.TURN_KEPT_MS
    stage.clock.advance(29)
    assert hasattr(await stage.ask("ann", "hold A-1"), "hold")
    await stage.close()


async def test_a_snapshot_of_a_version_to_come_is_passed_over(monkeypatch):
    stage = Waiting("list")
    await stage.begin(("ann", Wish(1)))
    await stage.close()
    stock = await stage.loaded()
    monkeypatch.setattr("inventory.snapshot.FORMAT", 3)
    stage.head.snapshot = StoredSnapshot(stock.version, encode_snapshot(stock))
    monkeypatch.undo()
    assert (await stage.loaded()).hash() == stock.hash()


async def test_what_is_owed_goes_on_though_nobody_asks(monkeypatch):
    """Batches that are over with their first step; the rest comes in the next ones."""
    monkeypatch.setattr(limits, "DRAIN_MS_MAX", -1)
    stage = Waiting("list")
    await stage.begin()
    await stage.ask("org", f"block {ROW}")
    users = ["ann", "bob", "cat", "dan"]
    for user in users:
        await stage.system(stage.scene.feeding([(user, Wish(1))]))
    await stage.ask("org", f"unblock {ROW}")
    await until(lambda: stage.board.letters == b"hhhh")
    told = [one.turns for one in stage.board.publications if one.turns]
    assert [len(turns) for turns in told] == [1, 1, 1, 1]
    assert [turns[0].user for turns in told] == users
    await stage.close()


async def test_who_begins_goes_on_with_what_a_list_is_owed(monkeypatch):
    stage = Waiting("list")
    await stage.begin()
    with monkeypatch.context() as before:
        # Its owner ends when it has written who came, and given nothing yet.
        before.setattr("inventory.drain.turns_owed", lambda *_: (0, "line"))
        for one in (("ann", Wish(1)), ("bob", Wish(2))):
            await stage.system(stage.scene.feeding([one]))
    assert stage.board.letters == b"ffff"
    await stage.reopen()
    await until(lambda: stage.board.letters == b"hhhf")
    await stage.close()


async def test_in_front_of_a_sale_who_begins_leaves_it_to_the_pace(monkeypatch):
    stage = Waiting("fifo")
    await stage.begin(("ann", Wish(1)))
    await stage.reopen()
    await stage.ask("org", "block A-1")
    assert stage.board.letters == b"xfff"
    await stage.close()
