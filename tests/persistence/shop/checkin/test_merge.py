"""Uploads and undoing: facts stay as they were, and come to the same in any order."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest

from persistence.shop.checkin.facts import Green
from persistence.shop.checkin.merge import NothingToUndo, Told
from server.shop.checkin.rules import fold
from tests.persistence.gates import START, Gate, number_of
from tests.persistence.journals import Store

WORLDS = 12
ORDERS = 5


@pytest.fixture
async def gate(store: Store) -> Gate:
    gate = Gate(store)
    await gate.open(reentry=True)
    await gate.put(*"ABC")
    return gate


def outcomes_of(told: list[Told | None]) -> list[str | None]:
    return [None if one is None else one.outcome for one in told]


async def facts(gate: Gate) -> list[tuple[object, ...]]:
    """Return what is kept of all scans, but when we heard of them."""
    return await gate.store.query(
        "SELECT nonce, list_id, direction, gate, at, saw, device_at, clock_offset_ms,"
        " ticket_id, number, generation, revoked, outcome, other_nonce FROM checkin"
        " ORDER BY nonce"
    )


async def standings(gate: Gate) -> list[tuple[object, ...]]:
    return await gate.store.query(
        "SELECT ticket_id, list_id, state, nonce, at, gate, who FROM checkin_state"
        " ORDER BY 1, 2"
    )


async def test_any_order_of_uploads_gives_the_same_entries(gate):
    seen = [
        gate.seen("A", 3, gate="north"),
        gate.seen("A", 1, gate="south"),
        gate.seen("A", 2, "out"),
        gate.seen("A", 4),
    ]
    red = gate.seen("B", 4, saw="already_in")
    found = set()
    for order in permutations(seen):
        await gate.forget()
        for one in (*order, red):
            await gate.merge.upload([one])
        found.add((*(await facts(gate)), *(await standings(gate))))
    assert len(found) == 1
    assert await gate.outcomes() == {
        "A-1-in": ("entry", None),
        "A-2-out": ("exit", None),
        "A-3-in": ("entry", None),
        "A-4-in": ("double_entry", "A-3-in"),
        "B-4-in": (None, None),
    }
    assert await gate.standing("A") == ("in", "A-3-in")
    assert await gate.standing("B") is None


async def test_worlds_of_uploads_come_to_the_same_however_they_are_cut(gate):
    """Chance cuts a day of several gates into uploads, doubles some, and shuffles."""
    await gate.put("R", state="revoked")
    for seed in range(WORLDS):
        chance = Random(seed)
        day = [
            gate.seen(
                chance.choice("ABCRZ"),
                chance.randrange(6),
                chance.choice(["in", "in", "out"]),
                nonce=f"scan-{place}",
                saw=chance.choice(["ok", "ok", "ok", "already_in"]),
                generation=chance.choice([1, 1, 1, 2]),
            )
            for place in range(9)
        ]
        found = []
        for _ in range(ORDERS):
            await gate.forget()
            waiting = [*day, *chance.sample(day, 3)]
            chance.shuffle(waiting)
            while waiting:
                size = chance.randint(1, len(waiting))
                await gate.merge.upload(waiting[:size])
                del waiting[:size]
            found.append((await facts(gate), await standings(gate)))
        assert all(one == found[0] for one in found), seed
        # Every green that was seen is kept, and said of what it came to.
        kept = {row[0]: row for row in found[0][0]}
        assert {one.nonce: one.saw for one in day} == {
            nonce: row[5] for nonce, row in kept.items()
        }
        for one in day:
            judged = one.saw == "ok" and one.number != number_of("Z")
            assert (kept[one.nonce][12] is not None) == judged


async def test_uploads_at_once_come_to_the_same(gate):
    seen = [gate.seen("ABC"[n % 3], n, nonce=f"scan-{n}") for n in range(12)]
    shuffled = [Random(seed).sample(seen, len(seen)) for seed in range(6)]
    await asyncio.gather(*(gate.merge.upload(some) for some in shuffled))
    outcomes = [outcome for outcome, _ in (await gate.outcomes()).values()]
    assert (outcomes.count("entry"), outcomes.count("double_entry")) == (3, 9)
    assert await gate.standing("A") == ("in", "scan-0")


async def test_a_double_entry_is_told_with_both_gates(gate):
    online = await gate.scan("A", gate="north", nonce="online")
    told = await gate.merge.upload([gate.seen("A", 0, gate="south")])
    # The gate without us was earlier: it is the entry, and the one that asked double.
    assert outcomes_of(told) == ["entry"]
    # Nobody else asks again: it is the one that hears of both.
    assert told[0] is not None
    assert (told[0].other_gate, told[0].other_at) == ("north", online.at)
    assert (await gate.outcomes())["online"] == ("double_entry", "A-0-in")
    later = gate.seen("A", 0, nonce="later", at=online.at + timedelta(hours=1))
    (second,) = await gate.merge.upload([later])
    assert second is not None
    assert (second.outcome, second.other_gate, second.other_at) == (
        "double_entry",
        "south",
        START,
    )
    assert (second.ticket_id, second.label) == ("tic_A", "A-A")
    (again,) = await gate.merge.upload([gate.seen("A", 0, gate="south")])
    assert again == told[0]
    (alone,) = await gate.merge.upload([gate.seen("B", 0)])
    assert alone is not None
    assert (alone.outcome, alone.other_gate, alone.other_at) == ("entry", None, None)
    assert await gate.standing("A") == ("in", "A-0-in")


async def test_a_scan_after_an_upload_comes_after_it_whatever_its_clock(gate):
    """A device whose clock is hours ahead lets in somebody, who then goes out."""
    await gate.merge.upload([gate.seen("A", 9e8)])
    assert (await gate.scan("A")).result == "already_in"
    assert (await gate.scan("A", "out", nonce="out")).result == "ok"
    assert (await gate.scan("A", nonce="back")).result == "ok"
    before = await gate.outcomes()
    await gate.merge.upload([gate.seen("B", 1), gate.seen("A", 1, saw="already_in")])
    # Told anew it is what it was.
    after = await gate.outcomes()
    assert {nonce: after[nonce] for nonce in before} == before
    assert await gate.standing("A") == ("in", "back")


async def test_what_was_revoked_meanwhile_has_entered_all_the_same(gate):
    await gate.put("R", state="revoked")
    await gate.store.query("UPDATE ticket SET generation = 2 WHERE ticket_id = 'tic_A'")
    told = await gate.merge.upload(
        [gate.seen("R", 1), gate.seen("A", 1), gate.seen("A", 2, generation=2)]
    )
    assert outcomes_of(told) == ["entered_revoked", "entered_revoked", "entry"]
    assert await gate.standing("R") is None
    assert await gate.standing("A") == ("in", "A-2-in")
    # What was good when we heard of it stays so.
    await gate.merge.upload([gate.seen("B", 1)])
    await gate.store.query("UPDATE ticket SET generation = 2 WHERE ticket_id = 'tic_B'")
    told = await gate.merge.upload([gate.seen("B", 1), gate.seen("B", 2)])
    assert outcomes_of(told) == ["entry", "entered_revoked"]


async def test_the_same_upload_again_changes_nothing(gate):
    seen = [gate.seen("A", 1), gate.seen("A", 2)]
    first = await gate.merge.upload(seen)
    before = await facts(gate), await standings(gate)
    assert await gate.merge.upload([*seen, seen[0]]) == [*first, first[0]]
    assert (await facts(gate), await standings(gate)) == before


async def test_a_nonce_of_another_scan_hides_nothing(gate):
    await gate.merge.upload([gate.seen("A", 1, nonce="one")])
    told = await gate.merge.upload(
        [gate.seen("B", 1, nonce="one"), gate.seen("B", 2, nonce="two")]
    )
    assert outcomes_of(told) == [None, "entry"]
    assert told[0] is None
    both = [gate.seen("C", 1, nonce="three"), gate.seen("A", 9, nonce="three")]
    first, second = await gate.merge.upload(both)
    assert (outcomes_of([first]), second) == (["entry"], None)


async def test_who_was_let_in_though_we_had_refused_has_entered(gate):
    """The answer was lost, and the device decided by itself under the same nonce."""
    await gate.scan("A", nonce="first")
    await gate.scan("A", nonce="again")
    assert (await gate.outcomes())["again"] == (None, None)
    told = await gate.merge.upload([gate.seen("A", 9e8, nonce="again")])
    assert outcomes_of(told) == ["double_entry"]
    rows = await gate.store.query(
        "SELECT result, saw FROM checkin WHERE nonce = 'again'"
    )
    assert rows == [("already_in", "ok")]


async def test_who_was_sent_away_though_we_had_let_in_has_not_entered(gate):
    await gate.scan("A", nonce="one")
    told = await gate.merge.upload([gate.seen("A", 1, nonce="one", saw="revoked")])
    assert outcomes_of(told) == [None]
    assert (await gate.standing("A"))[0] == "never"
    assert (await gate.scan("A")).result == "ok"


async def test_what_we_answered_is_not_altered_by_an_upload_that_says_the_same(gate):
    kept = await gate.scan("A", nonce="one")
    told = await gate.merge.upload([gate.seen("A", 1, nonce="one")])
    assert outcomes_of(told) == ["entry"]
    assert await gate.scan("A", nonce="one") == kept


async def test_a_ticket_that_comes_later_is_found_by_the_next_upload(gate):
    seen = [gate.seen("D", 1)]
    (first,) = await gate.merge.upload(seen)
    assert first is not None
    assert (first.outcome, first.ticket_id) == (None, None)
    await gate.put("D")
    assert outcomes_of(await gate.merge.upload(seen)) == ["entry"]


async def test_scans_uploads_and_undoing_at_once_come_to_what_all_facts_say(gate):
    """What scans noted one by one is what folding all facts from nothing tells."""
    chance = Random(14)
    letters, nonces = "ABC", [f"online-{n}" for n in range(60)]

    async def device(number: int) -> None:
        for nonce in nonces[number::6]:
            ticket, way = chance.choice(letters), chance.choice(["in", "in", "out"])
            await gate.scan(ticket, way, nonce=nonce)
            seen = gate.seen(ticket, number + chance.random(), way, nonce=f"up-{nonce}")
            await gate.merge.upload([seen, gate.seen(chance.choice(letters), 5.0)])
            if chance.random() < 0.3:
                with suppress(NothingToUndo):
                    await gate.merge.undo(
                        "evt", chance.choice(nonces), "usr", "mistake"
                    )

    await asyncio.gather(*(device(number) for number in range(6)))
    noted = await gate.outcomes()
    where = {ticket: await gate.standing(ticket) for ticket in letters}
    greens: dict[str, list[Green]] = {f"tic_{ticket}": [] for ticket in letters}
    for row in await gate.store.query(
        "SELECT ticket_id, nonce, direction, sort_at, at, gate, who, revoked"
        " FROM checkin WHERE coalesce(saw, result) = 'ok' AND undone_at IS NULL"
    ):
        greens[row[0]].append(Green(*row[1:]))
    told: dict[str, Any] = {}
    for ticket, some in greens.items():
        folded = fold(some)
        told |= {one: (got.outcome, got.other) for one, got in folded.outcomes.items()}
        standing, nonce = where[ticket[-1]]
        assert standing == folded.standing
        assert folded.since is None or folded.since.nonce == nonce
    assert noted == {nonce: told.get(nonce, (None, None)) for nonce in noted}
    assert {outcome for outcome, _ in told.values()} >= {
        "entry",
        "exit",
        "double_entry",
    }


async def test_undoing_leaves_exactly_what_was_before(gate):
    for ways in (["in"], ["in", "out"], ["in", "out", "in"]):
        await gate.forget()
        before = ("never", None)
        for place, way in enumerate(ways):
            before = await gate.standing("A") or ("never", None)
            assert (await gate.scan("A", way, nonce=f"n{place}")).result == "ok"
        undone = await gate.merge.undo("evt", f"n{len(ways) - 1}", "usr_1", "mistake")
        assert undone is not None
        assert (undone.undone_by, undone.undo_reason) == ("usr_1", "mistake")
        assert undone.standing == before[0]
        after = await gate.standing("A")
        assert after[0] == before[0]
        if before[1] is not None:
            assert after == before
        assert (await gate.scan("A", ways[-1])).result == "ok"


async def test_undoing_again_changes_nothing_and_keeps_who_did_it(gate):
    await gate.scan("A", nonce="one")
    first = await gate.merge.undo("evt", "one", "usr_1", "mistake")
    await gate.scan("A", nonce="two")
    again = await gate.merge.undo("evt", "one", "usr_2", "another")
    assert first is not None
    assert again is not None
    assert (again.undone_by, again.undo_reason) == ("usr_1", "mistake")
    assert (first.standing, again.standing) == ("never", "in")
    assert await gate.standing("A") == ("in", "two")


async def test_undoing_the_entry_makes_the_double_one_the_entry(gate):
    await gate.merge.upload([gate.seen("A", 1), gate.seen("A", 2)])
    await gate.merge.undo("evt", "A-1-in", "usr_1", "scanned the wrong one")
    assert await gate.outcomes() == {
        "A-1-in": (None, None),
        "A-2-in": ("entry", None),
    }
    assert await gate.standing("A") == ("in", "A-2-in")


async def test_of_two_that_undo_one_does(gate):
    await gate.scan("A", nonce="one")
    both = await asyncio.gather(
        *(gate.merge.undo("evt", "one", f"usr_{n}", "mistake") for n in range(4))
    )
    assert len({None if one is None else one.undone_by for one in both}) == 1


async def test_what_let_nobody_through_is_not_undone(gate):
    assert await gate.merge.undo("evt", "none", "usr_1", "mistake") is None
    await gate.scan("A", nonce="one")
    await gate.scan("A", nonce="two")
    await gate.scan("Z", nonce="three")
    for nonce in ("two", "three"):
        with pytest.raises(NothingToUndo):
            await gate.merge.undo("evt", nonce, "usr_1", "mistake")
    assert await gate.standing("A") == ("in", "one")
