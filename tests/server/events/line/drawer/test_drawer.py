"""A draw comes to its end by itself, and to the same one, whoever goes on with it."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from aiohttp import web

from inventory.changes import EntrantsFixed, LineDrawn, LineFed, RoundPutOff
from inventory.line.draw import is_proven, stub_of, time_of
from server.base.refusals.refusals import Refusal
from server.events.line import rules, service_control
from server.events.line.beacon.beacons import Beacons
from server.events.line.drawer.drawer import OutOfRounds, Over
from server.events.line.drawer.service import DrawService
from server.events.line.opening import LineOpening
from server.events.line.transcript.records import Joins
from server.events.line.transcript.service import joins_of
from server.events.line.wire.problems import DRAW_NOT_FOUND
from tests.server.events.line.drawer.hall import OWN, Here, open_hall, serve
from tests.server.events.line.room import who
from tests.server.identities import OLGA

pytestmark = pytest.mark.postgres
NAMES = [f"u{n}" for n in range(9)]
HOUR_MS = 3_600_000


def verdict(report: Any) -> str:
    return "\n".join([*report.lines()])


def of(changes: list[Any], kind: type) -> list[Any]:
    return [one for one in changes if isinstance(one, kind)]


async def test_a_draw_is_run_and_its_transcript_is_whole(hall):
    """The order, too, is computed here once more, without any code of ours."""
    await hall.put()
    await hall.gather(*NAMES[:5])
    await hall.gather(*NAMES[5:], quantity=2)
    await hall.room.desk.leave(who("u3"), "evt")
    await hall.draw()
    assert verdict(await hall.verify()).endswith("\nwhole")
    changes = await hall.changes()
    (fixed,), (drawn,) = of(changes, EntrantsFixed), of(changes, LineDrawn)
    assert fixed.entries == len(NAMES)
    assert OWN.sign(drawn.round) == drawn.signature
    row = await hall.room.lines.find("evt")
    key = sha256(
        b"onsale line key 1\n"
        + drawn.seed
        + fixed.root
        + sha256(drawn.signature).digest()
        + row.rules_hash
    ).digest()
    entries = await hall.room.house.pool.fetch(
        "SELECT user_id, stub FROM line_entry ORDER BY joined_at"
    )
    by_key = sorted(entries, key=lambda one: sha256(key + one["stub"]).digest())
    expected = [(one["user_id"], rank) for rank, one in enumerate(by_key, 1)]
    assert await hall.ranks() == expected
    (fed,) = of(changes, LineFed)
    left = who("u3").user
    assert list(fed.users) == [user for user, _ in expected]
    assert [fed.users[rank - 1] for rank in fed.left] == [left]
    # Whoever has a place is told the rank, and how many are before.
    (gone,) = fed.left
    for user, rank in expected:
        entry = await hall.room.entries.mine("evt", user)
        ahead = None if user == left else rank - 1 - (gone < rank)
        assert (entry.rank, entry.ahead) == (rank, ahead)
    assert [type(one).__name__ for one in hall.told] == ["FixedNews", "DrawnNews"]
    assert hall.told[0].frame.root == fixed.root.hex()
    with pytest.raises(Over):
        await hall.draw()


async def test_who_comes_late_is_fed_behind_all_entrants(hall):
    await hall.put()
    await hall.gather(*NAMES[:4])
    row = await hall.room.lines.find("evt")
    await hall.room.lines.move(row, "late")
    await hall.gather(*NAMES[4:])
    # Before there is an order nobody is fed.
    assert not await hall.room.feed()
    await hall.draw()
    assert len(await hall.ranks()) == 4
    assert await hall.room.feed()
    assert [rank for _, rank in await hall.ranks()] == list(range(1, 10))
    late = {user for user, _ in (await hall.ranks())[4:]}
    assert late == {who(name).user for name in NAMES[4:]}
    assert verdict(await hall.verify()).endswith("\nwhole")


async def test_a_list_of_nobody_is_drawn_too(hall):
    await hall.put()
    await hall.draw()
    await hall.gather("late")
    assert await hall.room.feed()
    assert [rank for _, rank in await hall.ranks()] == [1]
    assert verdict(await hall.verify()).endswith("\nwhole")


async def test_who_leaves_before_the_place_is_taken_leaves_a_row(hall):
    """After the list is closed, too: it is the event's from when it is fed."""
    await hall.put()
    await hall.gather(*NAMES[:3])
    row = await hall.room.lines.find("evt")
    await hall.room.lines.move(row, "late")
    _, left = await hall.room.desk.leave(who("u1"), "evt")
    assert (left.ended, left.rank) == ("left", None)
    await hall.draw()
    (fed,) = of(await hall.changes(), LineFed)
    assert [fed.users[rank - 1] for rank in fed.left] == [who("u1").user]
    _, gone = await hall.room.desk.leave(who("u2"), "evt")
    assert gone.ended == "left"
    assert b'"to":"left"' in await hall.transcript()


@pytest.mark.parametrize("ahead", [False, True], ids=["slow", "out"])
async def test_a_void_round_is_put_off_by_rule(database_url, ahead):
    """The list is late for it; or a relay has it, whatever our clock says."""
    asked: list[int] = []
    named: list[int] = []

    def clock() -> int:
        asked.append(1)
        now_ms = hall.room.house.clock.now_ms()
        return now_ms + HOUR_MS if ahead and len(asked) <= 2 else now_ms

    class Slow(Here):
        async def fix(self, stubs: bytes) -> Any:
            row = await hall.room.lines.find("evt")
            assert row is not None
            named.append(msgspec.json.decode(row.rules)["round"])
            if not ahead:
                # Half a second before the round it is too late.
                await hall.skip_to(time_of(OWN.beacon, named[0]) - 500)
            return await super().fix(stubs)

    async with open_hall(database_url, clock) as hall:
        await hall.put()
        await hall.gather(*NAMES)
        hall.drawer = hall.make_drawer(drawing=Slow())
        await hall.draw()
        changes = await hall.changes()
        (off,), (drawn,) = of(changes, RoundPutOff), of(changes, LineDrawn)
        assert (off.void, off.why) == (named[0], "out" if ahead else "slow")
        assert drawn.round == off.round > off.void
        row = await hall.room.lines.find("evt")
        assert row is not None
        assert row.round == off.round
        # It cost nothing, as nobody knew it.
        assert verdict(await hall.verify()).endswith("\nwhole")


async def test_a_round_that_was_out_before_anybody_was_there_is_weak(hall):
    class Gone(Here):
        async def fix(self, stubs: bytes) -> Any:
            await hall.skip_to(hall.room.house.clock.now_ms() + HOUR_MS)
            return await super().fix(stubs)

    await hall.put()
    await hall.gather(*NAMES)
    hall.drawer = hall.make_drawer(drawing=Gone())
    await hall.draw()
    assert verdict(await hall.verify()).endswith("\nwhole, weak: round_late")


async def test_a_round_is_not_put_off_for_ever(database_url):
    async with open_hall(database_url, lambda: 2_000_000_000_000) as hall:
        await hall.put()
        hall.drawer = hall.make_drawer(drawing=Here())
        with pytest.raises(OutOfRounds):
            await hall.draw()
        assert len(of(await hall.changes(), RoundPutOff)) == 16


async def lies(_: web.Request) -> web.Response:
    return web.json_response({"round": 5, "signature": "ab" * 48})


def lying() -> web.Application:
    app = web.Application()
    app.router.add_get("/{path:.*}", lies)
    return app


async def test_without_a_beacon_the_rules_say_what_becomes_of_it(hall, exit_stack):
    url = await serve(exit_stack, lying())
    hall.drawer._beacons = Beacons([url], OWN.beacon.chain)
    exit_stack.push_async_callback(hall.drawer._beacons.close)
    await hall.put(beacon_wait_s=30)
    await hall.gather(*NAMES)
    await hall.draw()
    changes = await hall.changes()
    (drawn,), (fixed,) = of(changes, LineDrawn), of(changes, EntrantsFixed)
    assert (drawn.source, drawn.signature) == ("seed_only", None)
    assert verdict(await hall.verify()).endswith("\nwhole, weak: seed_only")
    # It was waited for as long as was promised.
    wait_ms = hall.room.house.clock.now_ms() - fixed.round_at_ms
    assert wait_ms >= 30_000


async def test_who_waits_for_the_beacon_waits_on(hall, exit_stack):
    """And draws by it when a relay has it again: the first that is asked lies."""

    class Enough(Exception):
        pass

    liar = await serve(exit_stack, lying())
    hall.drawer._beacons = Beacons([liar], OWN.beacon.chain)
    exit_stack.push_async_callback(hall.drawer._beacons.close)
    await hall.put(beacon_wait_s=0, without_beacon="wait")
    await hall.gather(*NAMES)
    waits: list[int] = []

    async def wait(at_ms: int) -> None:
        waits.append(at_ms)
        if len(waits) == 12:
            raise Enough
        await hall.skip_to(at_ms)

    hall.drawer._wait = wait
    with pytest.raises(Enough):
        await hall.draw()
    assert of(await hall.changes(), LineDrawn) == []
    hall.beacons = Beacons([liar, *hall.urls], OWN.beacon.chain)
    exit_stack.push_async_callback(hall.beacons.close)
    hall.drawer = hall.make_drawer()
    await hall.draw()
    assert verdict(await hall.verify()).endswith("\nwhole")


class Dying:
    """Lists that are there for so many calls, or until one, and then no more."""

    class Dead(Exception):
        pass

    def __init__(self, lists: Any, calls: int = -1, until: str = "") -> None:
        self._lists, self._left, self._until = lists, calls, until

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._lists, name)

        async def call(*values: Any) -> Any:
            if self._left == 0 or name == self._until:
                raise self.Dead(name)
            self._left -= 1
            return await method(*values)

        return call


async def test_whoever_goes_on_comes_to_the_same_order(hall):
    """Dead before each of its statements in turn; each time another one goes on."""
    calls, died = 0, []
    while True:
        event = f"evt{calls}"
        await hall.put(event)
        await hall.gather(*NAMES[:4], event=event)
        local = await hall.local(event)
        dying = Dying(hall.lists, calls)
        try:
            await hall.make_drawer(dying, Here()).run(event, local)
        except Dying.Dead as error:
            died.append(str(error))
        else:
            break
        before = await hall.lists.find(event, 1)
        await hall.make_drawer(drawing=Here()).run(event, local)
        after = await hall.lists.find(event, 1)
        if before is not None and before.order_key is not None:
            assert (before.order_key, before.beacon) == (after.order_key, after.beacon)
        changes = await hall.changes(event)
        for kind in (EntrantsFixed, LineDrawn, LineFed):
            assert len(of(changes, kind)) == 1
        assert verdict(await hall.verify(event)).endswith("\nwhole")
        calls += 1
    notes = {name for name in died if name.startswith("note")}
    assert notes == {
        *("note_listed", "note_fixed", "note_beacon", "note_order"),
        *("note_drawn", "note_done"),
    }


async def test_another_round_than_the_one_that_was_had_is_never_drawn_by(
    hall, exit_stack
):
    """It was had, and whoever goes on could do without it, and is not to."""
    await hall.put(beacon_wait_s=0)
    await hall.gather(*NAMES)
    local = await hall.local()
    dying = Dying(hall.lists, until="note_order")
    with pytest.raises(Dying.Dead):
        await hall.make_drawer(dying, Here()).run("evt", local)
    had = (await hall.lists.find("evt", 1)).beacon
    assert had is not None
    hall.beacons = Beacons([await serve(exit_stack, lying())], OWN.beacon.chain)
    exit_stack.push_async_callback(hall.beacons.close)
    await hall.make_drawer(drawing=Here()).run("evt", local)
    (drawn,) = of(await hall.changes(), LineDrawn)
    assert (drawn.source, drawn.signature) == ("beacon", had)


async def test_a_seed_of_another_secret_draws_nothing(hall):
    hall.room.opening._secret = b"s" * 32
    await hall.put()
    await hall.gather("ann")
    other = LineOpening(hall.room.lines, hall.room.house.clock, "t" * 32, hall.beacons)
    hall.drawer._opening = other
    with pytest.raises(Refusal, match="wrong_state"):
        await hall.draw()
    hall.drawer = hall.make_drawer()
    await hall.draw()
    row = await hall.room.lines.find("evt")
    assert row.seed == hall.room.opening.seed_of(row)
    assert verdict(await hall.verify()).endswith("\nwhole")


async def test_a_line_whose_sale_is_over_is_not_drawn(hall):
    await hall.put()
    row = await hall.room.lines.find("evt")
    await hall.room.lines.move(row, "over")
    with pytest.raises(Over):
        await hall.draw()
    assert of(await hall.changes(), EntrantsFixed) == []


async def test_a_restart_takes_all_who_had_no_turn_into_another_draw(hall):
    """Before the round is out it is free, and tells the seed that was given up."""
    await hall.put()
    await hall.gather(*NAMES[:4])
    row = await hall.room.lines.find("evt")
    await hall.room.lines.move(row, "late")
    await hall.gather(*NAMES[4:])
    opens_ms = hall.room.house.clock.now_ms() + 2 * HOUR_MS
    await hall.set(opens_at_ms=opens_ms)
    # Whoever died when the event had it is gone on for.
    found = await hall.room.house.events.load("evt")
    new = await hall.room.lines.note_next(await hall.room.opening._new(found, 2))
    await hall.room.opening._ask(found, new, None, row.seed)
    again = await hall.room.opening.restart(found)
    assert (again.draw, again.phase, again.fed) == (2, "gathering", 0)
    assert again.commitment == new.commitment != row.commitment
    assert await hall.room.lines.find_next("evt") is None
    await hall.draw()
    assert len(await hall.ranks(draw=2)) == len(NAMES)
    assert verdict(await hall.verify()).endswith("\nwhole")
    assert row.seed.hex().encode() in await hall.transcript()
    assert verdict(await hall.verify(draw=1)).endswith("\nnothing to check")


async def test_what_came_out_is_not_thrown_away(hall, monkeypatch):
    """Refused from when the round is out until it is drawn; then it is free again."""
    await hall.put()
    await hall.gather("ann")
    await hall.set(opens_at_ms=hall.room.house.clock.now_ms() + 9 * HOUR_MS)
    found = await hall.room.house.events.load("evt")
    dying = Dying(hall.lists, until="note_beacon")
    local = await hall.local()
    with pytest.raises(Dying.Dead):
        await hall.make_drawer(dying, Here()).run("evt", local)
    with pytest.raises(Refusal, match="wrong_state"):
        await hall.room.opening.restart(found)
    assert await hall.room.lines.find_next("evt") is None
    assert (await hall.room.lines.find("evt")).draw == 1
    for knows in (rules.order_is_known, lambda *_: False):
        # Or the round came out in between, which only the event has seen.
        monkeypatch.setattr(service_control, "order_is_known", knows)
        with pytest.raises(Refusal, match="wrong_state"):
            await hall.room.control.act(OLGA, "evt", "close")
        assert (await hall.room.lines.find("evt")).phase == "late"
    # Whoever closed it died when it was refused: asked again, the draw goes on.
    await hall.room.lines.move(await hall.room.lines.find("evt"), "over")
    with pytest.raises(Refusal, match="wrong_state"):
        await hall.room.control.act(OLGA, "evt", "close")
    assert (await hall.room.lines.find("evt")).phase == "late"
    await hall.draw()
    assert (await hall.room.opening.restart(found)).draw == 2
    await hall.draw()
    assert verdict(await hall.verify()).endswith("\nwhole")


def draws(hall: Any) -> DrawService:
    return DrawService(
        hall.room.house.events,
        hall.room.control,
        hall.room.opening,
        hall.room.lines,
        hall.lists,
        hall.room.house.clock,
        hall.asked.append,
    )


async def test_anybody_finds_themselves_in_the_list(hall):
    hall.asked = []
    service = draws(hall)
    await hall.put()
    await hall.gather(*NAMES)
    with pytest.raises(Refusal, match=DRAW_NOT_FOUND.code):
        await service.entrants(None, "evt", 0, None)
    await hall.draw()
    changes = await hall.changes()
    (fixed,), (drawn,) = of(changes, EntrantsFixed), of(changes, LineDrawn)
    ranks = dict(await hall.ranks())
    for name in NAMES:
        entry = await hall.room.entries.mine("evt", who(name).user)
        stub = stub_of(entry.entry_id)
        bucket = stub[0] << 2 | stub[1] >> 6
        proof = await service.entrants(None, "evt", bucket, 1)
        assert is_proven(proof, root=fixed.root.hex(), stub=stub, key=drawn.key)
        assert proof.ranks is not None
        assert ranks[who(name).user] in proof.ranks
        stranger = bytes([stub[0], stub[1], *bytes(14)])
        assert not is_proven(proof, root=fixed.root.hex(), stub=stranger)
    with pytest.raises(Refusal, match=DRAW_NOT_FOUND.code):
        await service.entrants(None, "evt", 0, 2)


async def test_ranks_of_a_bucket_are_told_once_the_line_is_drawn(hall):
    hall.asked = []
    await hall.put()
    await hall.gather("ann")
    local = await hall.local()
    # Dead when the order was written down and the event did not have it yet.
    with pytest.raises(Dying.Dead):
        await hall.make_drawer(Dying(hall.lists, until="note_drawn"), Here()).run(
            "evt", local
        )
    assert (await hall.lists.find("evt", 1)).order_key is not None
    stub = stub_of((await hall.room.entries.mine("evt", who("ann").user)).entry_id)
    bucket = stub[0] << 2 | stub[1] >> 6
    assert (await draws(hall).entrants(None, "evt", bucket, None)).ranks is None
    await hall.draw()
    assert (await draws(hall).entrants(None, "evt", bucket, None)).ranks == [1]


async def test_a_transcript_tells_which_gates_entrants_passed(hall):
    await hall.put()
    await hall.gather(*NAMES)
    await hall.room.house.pool.fetch("UPDATE line_entry SET gates = 'captcha pow'")
    await hall.draw()
    counts = f'"gates":{{"captcha":{len(NAMES)},"pow":{len(NAMES)}}}'
    told = await hall.transcript()
    assert counts in (told if isinstance(told, str) else told.decode())
    assert verdict(await hall.verify()).endswith("\nwhole")
    # A list of a former version has minutes alone.
    await hall.room.house.pool.fetch("UPDATE line_list SET joins = '[[7,7]]'")
    listed = await hall.lists.find("evt", 1)
    assert joins_of(listed, "draw") == Joins(gates={}, minutes=[(7, 7)])
