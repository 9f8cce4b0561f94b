"""Scans as rows: one wins, a nonce keeps its answer, a ticket is locked meanwhile."""

import asyncio
import sys
from datetime import timedelta
from itertools import product
from typing import Any, Final

import pytest

from persistence.shop.checkin.facts import (
    STANDINGS,
    Direction,
    ListSeen,
    TicketSeen,
)
from persistence.shop.checkin.scans import (
    RESULTS,
    TICKET_STATES,
    NewScan,
    NoList,
    is_in,
)
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


PUT_CASES = """
INSERT INTO ticket (ticket_id, booking_id, event_id, number, generation, state, holder,
    kind, area, label, category, key_id, changed, revoked_at)
SELECT 'tic_' || number, 'bkg_1', $1, number, generation, state, '{"user": "usr_1"}',
    'place', 'GA', 'GA', category, '00000000', 1,
    CASE WHEN state = 'revoked' THEN now() END
FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[])
    AS t(number, state, generation, category)
"""
PUT_STANDING = """
INSERT INTO checkin_state (ticket_id, list_id, event_id, state, nonce, at, gate, who,
    sort_at)
SELECT 'tic_' || number, 'main', $1, standing, 'before', now(), 'south', 'usr_1', now()
FROM unnest($2::text[], $3::text[]) AS t(number, standing)
"""
CATEGORIES = ("1", None)


async def test_the_database_decides_as_the_rules_do_in_each_case(gate):
    cases = list(product(TICKET_STATES[:-1], (1, 2), CATEGORIES, (None, *STANDINGS)))
    letters = "ABCDEFGHJKLM"
    numbers = [f"CCCCCCC{''.join(n)}" for n in product(letters, repeat=3)]
    places = iter(numbers)
    results: set[str] = set()
    for reentry, is_open, listed, way in product(
        (True, False), (True, False), (None, ["1"]), WAYS
    ):
        opens_at = None if is_open else START + timedelta(days=9_999)
        await gate.edit(reentry=reentry, opens_at=opens_at, categories=listed)
        tickets = dict(zip((next(places) for _ in cases), cases, strict=True))
        columns = [list(column) for column in zip(*cases, strict=True)]
        await gate.store.query(PUT_CASES, "evt", list(tickets), *columns[:3])
        stands = {n: case[3] for n, case in tickets.items() if case[3] is not None}
        await gate.store.query(PUT_STANDING, "evt", list(stands), list(stands.values()))
        expected, got = {}, {}
        for number, (state, generation, category, standing) in tickets.items():
            seen = TicketSeen(f"tic_{number}", state, generation, "GA", category)
            rules = ListSeen(reentry, is_open, listed)
            answer = judge(seen, 1, rules, standing or "never", way)
            expected[number] = answer, way if answer == "ok" else standing
            new = NewScan("evt", number, "main", b"", way, "north", "key_1")
            kept = await gate.scans.scan(new, (number, 1), None)
            got[number] = kept.result
        rows = await gate.store.query("SELECT ticket_id, state FROM checkin_state")
        after = {ticket.removeprefix("tic_"): state for ticket, state in rows}
        assert {n: (result, after.get(n)) for n, result in got.items()} == expected
        results |= set(got.values())
    assert results == set(RESULTS) - {"wrong_event", "unknown", "bad_signature"}


async def test_a_scan_is_kept_with_what_it_came_to(gate):
    for standing, way in product(STANDINGS, WAYS):
        await gate.forget()
        await bring(gate, "A", standing)
        before = await gate.standing("A")
        got = await gate.scan("A", way, nonce="this")
        is_ok = got.result == "ok"
        assert await gate.standing("A") == ((way, "this") if is_ok else before)
        outcome = {"in": "entry", "out": "exit"}[way] if is_ok else None
        assert (await gate.outcomes())["this"] == (outcome, None)


async def test_a_scan_is_one_question(gate, monkeypatch):
    asked = []
    fetch = gate.store.pool.fetch

    async def counted(sql: str, *args: object) -> Any:
        asked.append(sql)
        return await fetch(sql, *args)

    monkeypatch.setattr(gate.store.pool, "fetch", counted)
    monkeypatch.setattr(gate.store.pool, "transaction", None)
    results = [(await gate.scan("A", way)).result for way in ("in", "in", "out")]
    assert results == ["ok", "already_in", "ok"]
    assert len(asked) == len(results)


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
from server.shop.checkin.rules import judge

async def main(url, gate, count):
    pool = await Pool.open(url, size=8)
    scans = Scans(pool, judge)
    print("ready", flush=True)
    sys.stdin.readline()

    async def scan(n):
        new = NewScan("evt", f"{gate}-{n}", "main", b"", "in", gate, "key")
        kept = await scans.scan(new, ("AAAAAAAAAA", 1), None)
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


@pytest.mark.parametrize(
    ("meanwhile", "answer"),
    [
        ("UPDATE ticket SET state = 'locked' WHERE ticket_id = 'tic_A'", "locked"),
        ("UPDATE ticket SET generation = 2 WHERE ticket_id = 'tic_A'", "revoked"),
        ("UPDATE ticket SET state = 'offered' WHERE ticket_id = 'tic_A'", "ok"),
        (
            "INSERT INTO checkin_state (ticket_id, list_id, event_id, state, nonce, at,"
            " gate, who, sort_at) VALUES ('tic_A', 'main', 'evt', 'in', 'other', now(),"
            " 'south', 'usr_2', now())",
            "already_in",
        ),
    ],
)
async def test_what_others_do_while_a_scan_is_under_way_is_judged(
    gate, meanwhile, answer
):
    async with session(gate.store.url) as other:
        await other.execute("BEGIN")
        await other.execute(meanwhile)
        scan = asyncio.ensure_future(gate.scan("A", nonce="one"))
        await until_waiting(other, scan)
        await other.execute("COMMIT")
    got = await scan
    assert got.result == answer
    assert await gate.scan("A", nonce="one") == got
    assert got.before_gate == ("south" if answer == "already_in" else None)
    kept = await gate.store.query(
        "SELECT result, revoked, outcome FROM checkin WHERE nonce = 'one'"
    )
    outcome = "entry" if answer == "ok" else None
    assert kept == [(answer, answer == "revoked", outcome)]


async def test_a_scan_that_is_uploaded_at_the_same_time_waits_in_no_circle(gate):
    async with session(gate.store.url) as upload:
        await upload.execute("BEGIN")
        await upload.execute(
            "INSERT INTO checkin (event_id, nonce, list_id, request_hash, direction,"
            " gate, who, at, sort_at, saw, device_at) VALUES ('evt', 'one', 'main', '',"
            " 'in', 'north', 'key_1', now(), now(), 'ok', now())"
        )
        scan = asyncio.ensure_future(gate.scan("A", nonce="one"))
        await until_waiting(upload, scan)
        # As `Merge` does next.
        await upload.execute(
            "SELECT FROM ticket WHERE ticket_id = 'tic_A' FOR NO KEY UPDATE"
        )
        await upload.execute("COMMIT")
    assert (await scan).result == "ok"
    assert await gate.standing("A") is None


async def until_waiting(other: Any, scan: "asyncio.Future[Any]") -> None:
    """Return once a scan waits for what another has."""
    while not await other.fetchval(WAITS):
        assert not scan.done()
        await asyncio.sleep(0.01)


async def test_a_ticket_is_given_back_or_comes_in_but_not_both(gate):
    async with session(gate.store.url) as giving:
        await giving.execute("BEGIN")
        await giving.execute(
            "UPDATE ticket SET state = 'locked' WHERE ticket_id = 'tic_A'"
        )
        assert await is_in(giving, ["tic_A", "tic_B"]) == set()
        scan = asyncio.ensure_future(gate.scan("A"))
        await until_waiting(giving, scan)
        await giving.execute("COMMIT")
        assert (await scan).result == "locked"
        await gate.scan("B")
        await gate.scan("C")
        await gate.scan("C", "out")
        used = await is_in(giving, ["tic_A", "tic_B", "tic_C", "none"])
        assert used == {"tic_B", "tic_C"}
