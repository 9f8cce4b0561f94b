"""Counts by list and gate, and the tickets that a gate takes along."""

from msgspec import structs

from persistence.shop.checkin.counts import (
    BundledTicket,
    Counts,
    GateCounts,
    ListCounts,
)
from persistence.shop.checkin.lists import ListRules
from tests.persistence.gates import Gate, number_of
from tests.persistence.journals import Store


async def test_what_a_list_and_its_gates_count(store: Store) -> None:
    gate, counts = Gate(store), Counts(store.pool)
    await gate.open(reentry=True)
    await gate.put(*"ABCD")
    await gate.put("R", state="revoked")
    assert await counts.of_lists(["evt"]) == [ListCounts("evt", "main", 0, 0, 0, 0, 0)]
    assert await counts.of_gates("evt") == []
    for ticket in "ABC":
        await gate.scan(ticket, gate="north")
    await gate.scan("C", gate="north")
    await gate.scan("B", "out", gate="south")
    await gate.scan("D", gate="south", nonce="wrong")
    await gate.merge.undo("evt", "wrong", "usr_1", "mistake")
    await gate.merge.upload(
        [gate.seen("A", 9e8, gate="east"), gate.seen("R", 1, gate="east")]
    )
    assert await counts.of_lists(["evt"]) == [
        ListCounts("evt", "main", come=2, gone=1, double=1, revoked=1, per_min=3)
    ]
    assert await counts.of_gates("evt") == [
        GateCounts("main", "east", 0, 0, 1, 1, 0),
        GateCounts("main", "north", 3, 0, 0, 0, 3),
        GateCounts("main", "south", 0, 1, 0, 0, 0),
    ]
    await store.query("UPDATE checkin SET at = at - interval '2 minutes'")
    assert [one.per_min for one in await counts.of_lists(["evt"])] == [0]


async def test_counts_are_of_the_events_that_are_asked_for(store: Store) -> None:
    gate, other, counts = Gate(store), Gate(store, "other"), Counts(store.pool)
    await gate.open()
    await other.open()
    await gate.put("A")
    await gate.scan("A")
    found = await counts.of_lists(["other", "evt"])
    assert {one.event_id: one.come for one in found} == {"evt": 1, "other": 0}
    assert await counts.of_lists(["none"]) == []


async def test_tickets_to_take_along_come_by_number(store: Store) -> None:
    gate, counts = Gate(store), Counts(store.pool)
    await gate.open()
    await gate.put(*"CBA")
    await gate.put("D", state="locked", category="2")
    await gate.lists.create("evt", "vip", ListRules("V", categories=["1"]), "u", b"")
    await gate.scan("B")
    first = BundledTicket(number_of("A"), 1, "valid", "A-A", "never", listed=True)
    some = await counts.tickets("evt", "main", "", 2)
    assert some == [
        first,
        structs.replace(first, number=number_of("B"), label="A-B", standing="in"),
    ]
    rest = await counts.tickets("evt", "main", some[-1].number, 5)
    assert [(one.number[-1], one.state) for one in rest] == [
        ("C", "valid"),
        ("D", "locked"),
    ]
    of_vip = await counts.tickets("evt", "vip", "", 9)
    assert [(one.number[-1], one.listed, one.standing) for one in of_vip] == [
        ("A", True, "never"),
        ("B", True, "never"),
        ("C", True, "never"),
        ("D", False, "never"),
    ]
