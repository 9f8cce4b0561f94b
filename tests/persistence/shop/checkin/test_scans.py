"""Scans as rows: one wins, a nonce keeps its answer, a ticket is locked meanwhile."""

import asyncio
import sys
from datetime import timedelta
from itertools import product
from typing import Final

import pytest

from persistence.shop.checkin.facts import (
    STANDINGS,
    Direction,
    ListSeen,
    TicketSeen,
)
from persistence.shop.checkin.scans import NoList, is_in
from server.shop.checkin.rules import judge
from tests.persistence.gates import START, Gate
from tests.persistence.journals import Store, session

MANY = 1_000
WAYS: Final[tuple[Direction, Direction]] = ("in", "out")
WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
async def gate(store: Store) -> Gate:
    gate = Gate(store)
    await gate.open(reentry=True)
    await gate.put("A", "B", "C")
    return gate


async def bring(gate: Gate, ticket: str, standing: str) -> None:
    for way in {"never": [], "in": ["in"], "out": ["in", "out"]}[standing]:
        assert (await gate.scan(ticket, way)).result == "ok"


async def test_the_database_decides_as_the_table_of_rules_does(gate):
    for (ticket, standing), way, reentry in product(
        zip("ABC", STANDINGS, strict=True), WAYS, (True, False)
    ):
        await gate.forget()
        await gate.edit(reentry=True)
        await bring(gate, ticket, standing)
        await gate.edit(reentry=reentry)
        rules = ListSeen(reentry, True, None)
        seen = TicketSeen(f"tic_{ticket}", "valid", 1, "A-1", "1")
        answer = judge(seen, 1, rules, standing, way)
        before = await gate.standing(ticket)
        got = await gate.scan(ticket, way, nonce="this")
        assert got.result == answer, (standing, way, reentry)
        after = await gate.standing(ticket)
        assert after == ((way, "this") if answer == "ok" else before)
        outcome = {"in": "entry", "out": "exit"}[way] if answer == "ok" else None
        assert (await gate.outcomes())["this"] == (outcome, None)


@pytest.mark.parametrize(
    ("state", "generation", "rules", "answer"),
    [
        ("revoked", 1, {}, "revoked"),
        ("valid", 2, {}, "revoked"),
        ("locked", 1, {}, "locked"),
        ("offered", 1, {}, "ok"),
        ("valid", 1, {"categories": ["2"]}, "wrong_list"),
        ("valid", 1, {"categories": ["2", "1"]}, "ok"),
        ("valid", 1, {"opens_at": START + timedelta(days=9_999)}, "too_early"),
        ("valid", 1, {"opens_at": START - timedelta(days=9_999)}, "ok"),
    ],
)
async def test_what_the_ticket_and_the_list_say_is_asked(
    gate, state, generation, rules, answer
):
    await gate.put("D", state=state)
    await gate.edit(**rules)
    got = await gate.scan("D", generation=generation)
    assert got.result == answer
    # Whose ticket it is is told whatever the answer is.
    assert (got.ticket_id, got.label, got.category) == ("tic_D", "A-D", "1")
    assert (await gate.standing("D") is not None) == (answer == "ok")


async def test_a_number_of_nobody_is_unknown_and_a_list_of_nobody_refused(gate):
    got = await gate.scan("Z")
    assert (got.result, got.ticket_id) == ("unknown", None)
    with pytest.raises(NoList):
        await gate.scan("A", list_id="none")
    await gate.store.make_event("other")
    await gate.lists.make_main(["other"])
    assert (await gate.scan("A", event_id="other")).result == "unknown"
    assert await gate.standing("A") is None


async def test_who_was_in_already_is_told_with_time_and_gate(gate):
    first = await gate.scan("A", gate="south", who="usr_1")
    assert first.before_at is None
    again = await gate.scan("A")
    assert again.result == "already_in"
    assert (again.before_at, again.before_gate, again.before_who) == (
        first.at,
        "south",
        "usr_1",
    )


async def test_a_nonce_keeps_its_answer_whatever_happened_since(gate):
    first = await gate.scan("A", nonce="one")
    await gate.scan("A", "out")
    assert await gate.scan("A", nonce="one") == first
    assert (await gate.standing("A"))[0] == "out"
    late = await gate.scan("D", nonce="two")
    await gate.put("D")
    assert await gate.scan("D", nonce="two") == late
    assert await gate.standing("D") is None
    # The caller sees by the hash that it was asked something else.
    assert (await gate.scan("B", nonce="one")).request_hash == first.request_hash
    assert await gate.standing("B") is None


async def test_what_is_known_before_is_kept_without_a_look(gate):
    got = await gate.scan("A", known="bad_signature", nonce="one")
    assert (got.result, got.ticket_id) == ("bad_signature", None)
    assert await gate.scan("A", nonce="one") == got


async def test_the_same_scan_many_times_at_once_is_one(gate):
    answers = await asyncio.gather(*(gate.scan("A", nonce="one") for _ in range(20)))
    assert answers == [answers[0]] * 20
    assert answers[0].result == "ok"


SCANNING = """
import asyncio, sys
from persistence.postgres.pool import Pool
from persistence.shop.checkin.scans import NewScan, Scans
from server.shop.checkin.rules import judge_of

async def main(url, gate, count):
    pool = await Pool.open(url, size=8)
    scans = Scans(pool)
    print("ready", flush=True)
    sys.stdin.readline()

    async def scan(n):
        new = NewScan("evt", f"{gate}-{n}", "main", b"", "in", gate, "key")
        kept = await scans.scan(new, ("AAAAAAAAAA", 1), None, judge_of(1, "in"))
        return kept.result

    results = await asyncio.gather(*(scan(n) for n in range(count)))
    print(*results, flush=True)
    await pool.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def test_of_a_thousand_scans_by_two_processes_one_enters(gate):
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SCANNING, gate.store.url, name, str(MANY // 2)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for name in ("north", "south")
    ]
    for one in started:
        assert one.stdout is not None
        assert await one.stdout.readline() == b"ready\n"
    told = await asyncio.gather(*(one.communicate(b"go\n") for one in started))
    results = [result for out, _ in told for result in out.decode().split()]
    assert len(results) == MANY
    assert sorted(set(results)) == ["already_in", "ok"]
    assert results.count("ok") == 1
    outcomes = [outcome for outcome, _ in (await gate.outcomes()).values()]
    assert len(outcomes) == MANY
    assert outcomes.count("entry") == 1


async def test_a_ticket_is_given_back_or_comes_in_but_not_both(gate):
    async with session(gate.store.url) as giving:
        await giving.execute("BEGIN")
        await giving.execute(
            "UPDATE ticket SET state = 'locked' WHERE ticket_id = 'tic_A'"
        )
        assert await is_in(giving, ["tic_A", "tic_B"]) == set()
        scan = asyncio.ensure_future(gate.scan("A"))
        while not await giving.fetchval(WAITS):
            assert not scan.done()
            await asyncio.sleep(0.01)
        await giving.execute("COMMIT")
        assert (await scan).result == "locked"
        await gate.scan("B")
        await gate.scan("C")
        await gate.scan("C", "out")
        used = await is_in(giving, ["tic_A", "tic_B", "tic_C", "none"])
        assert used == {"tic_B", "tic_C"}
