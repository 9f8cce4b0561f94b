"""Gates without a request: who may stand there, and what is counted and kept."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from persistence.people.hooks.hooks import Hooks, NewHook
from persistence.shop.checkin.counts import Counts
from persistence.shop.checkin.lists import CheckinLists, ListRules
from persistence.shop.checkin.merge import Merge
from persistence.shop.checkin.scans import Scans
from server.base.identity import Identity
from server.base.refusals.refusals import Denied, Refusal
from server.shop.checkin.codes import CodeReader
from server.shop.checkin.rules import fold, judge
from server.shop.checkin.service import AskedScan, CheckinService, SeenScan
from server.shop.checkin.service_lists import ListService
from server.shop.tickets.token import Claims, event_mark, key_id, sign
from server.transport.ratelimit import request_limits
from server.transport.ratelimit.meter import RateLimited
from server.transport.ratelimit.request_limits import WRONG_CODES_BURST
from tests.database import query
from tests.persistence.gates import PUT_TICKETS, number_of
from tests.server.events.house import SETTINGS, House, open_house
from tests.server.identities import (
    ADMIN,
    GUEST,
    LENA,
    MAKER,
    MIA,
    OLGA,
    STAN,
    machine,
)
from tests.server.meters import Counter, uncounted

pytestmark = pytest.mark.postgres

DEVICE = machine("org", "checkin")
START = datetime(2026, 11, 1, 18, tzinfo=UTC)


class Door:
    """A house with an event of its organisation, and tickets of one letter."""

    def __init__(self, house: House, url: str) -> None:
        self.house, self.url = house, url
        self.private = Ed25519PrivateKey.generate()
        self.key = key_id(self.private.public_key().public_bytes_raw())
        pool = house.pool
        self.gates = CheckinService(
            Scans(pool, judge),
            Merge(pool, fold),
            CheckinLists(pool),
            Counts(pool),
            CodeReader(self),
            house.events,
            house.memberships,
        )
        self.lists = ListService(self.gates)
        self._count = 0

    async def public_keys(self, organisation: str | None) -> dict[str, Any]:
        return {self.key: self.private.public_key()}

    async def put(self, event: str, *names: str) -> None:
        await query(self.url, PUT_TICKETS, event, "AAAAAAAAA", names, "valid", "1")

    def code(self, ticket: str, event: str = "evt") -> str:
        number = number_of(ticket)
        claims = Claims(event_mark(event), number, 1, "seat", 0, 20_000, self.key)
        return sign(claims, self.private)

    def asked(self, code: str, **fields: Any) -> AskedScan:
        self._count += 1
        return AskedScan(
            **{"event": "evt", "code": code, "nonce": f"n{self._count}", **fields}
        )

    def seen(self, code: str, event: str = "evt") -> SeenScan:
        self._count += 1
        nonce = f"n{self._count}"
        return SeenScan(
            event=event, code=code, nonce=nonce, at=START, clock_offset_ms=0, saw="ok"
        )

    async def scan(self, ticket: str, who: Identity = DEVICE, **fields: Any) -> str:
        asked = self.asked(self.code(ticket), **fields)
        return (await self.gates.scan(who, asked, uncounted(who.user))).result


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_house(database_url) as house:
        door = Door(house, database_url)
        await house.put("evt")
        await door.put("evt", *"ABC")
        yield door


async def test_who_stands_at_a_gate(door):
    for who, ticket in ((OLGA, "A"), (LENA, "B"), (DEVICE, "C")):
        assert await door.scan(ticket, who) == "ok"
    assert await door.scan("A", ADMIN) == "already_in"
    for who in (STAN, MIA, GUEST, MAKER, machine("other", "checkin")):
        with pytest.raises(Denied):
            await door.scan("A", who)
    await door.house.put("mine", organisation=None, maker=MAKER.user)
    await door.put("mine", "D")
    asked = door.asked(door.code("D", "mine"), event="mine")
    assert (await door.gates.scan(MAKER, asked, uncounted())).result == "ok"
    with pytest.raises(Denied):
        await door.gates.scan(DEVICE, asked, uncounted())


async def test_a_draft_is_hidden_from_those_who_do_not_see_it(door):
    await door.house.put("draft", SETTINGS.__class__(name="D", starts_at_ms=0))
    with pytest.raises(Refusal, match="event_not_found"):
        await door.scan("A", machine("other", "checkin"), event="draft")
    assert await door.scan("A", event="draft") == "wrong_event"


async def test_a_gate_loads_nothing_of_the_sale(door):
    assert await door.scan("A") == "ok"
    await door.gates.bundle(DEVICE, "evt", "main", "", 10)
    assert not door.house.registry.active


async def test_codes_that_are_guessed_come_to_an_end(door, monkeypatch):
    # However long the guesses take here, none is forgotten meanwhile.
    monkeypatch.setattr(request_limits, "WRONG_CODES_PER_S", 1e-6)
    meter = Counter().of(DEVICE.user)
    for _ in range(WRONG_CODES_BURST):
        kept = await door.gates.scan(DEVICE, door.asked("guess"), meter)
        assert kept.result == "bad_signature"
    with pytest.raises(RateLimited):
        await door.gates.scan(DEVICE, door.asked("guess"), meter)
    # Tickets go on to open, also there.
    kept = await door.gates.scan(DEVICE, door.asked(door.code("A")), meter)
    assert kept.result == "ok"


async def test_an_answer_is_for_who_asked(door):
    asked = door.asked(door.code("A"))
    first = await door.gates.scan(DEVICE, asked, uncounted())
    assert await door.gates.scan(DEVICE, asked, uncounted()) == first
    with pytest.raises(Refusal, match="nonce_reused"):
        await door.gates.scan(OLGA, asked, uncounted())


async def test_an_upload_for_several_events_refuses_only_what_is_of_others(door):
    await door.house.put("strange", organisation=None, maker=MAKER.user)
    await door.house.put("other")
    await door.put("other", "D")
    told = await door.gates.upload(
        DEVICE,
        [
            door.seen(door.code("A")),
            door.seen(door.code("D", "other"), "other"),
            door.seen(door.code("D", "other")),
            door.seen(door.code("Z")),
            door.seen(door.code("A"), "strange"),
            door.seen(door.code("A"), "none"),
        ],
    )
    assert [one.outcome for one in told] == [
        "entry",
        "entry",
        "wrong_event",
        "unknown",
        "forbidden",
        "event_not_found",
    ]
    # What was let in without a ticket of ours is kept, too.
    rows = await query(door.url, "SELECT count(*) AS kept FROM checkin")
    assert rows[0]["kept"] == 4


async def test_an_uploaded_scan_that_was_undone_stays_so(door):
    seen = door.seen(door.code("A"))
    await door.gates.upload(DEVICE, [seen])
    undone = await door.gates.undo(OLGA, "evt", seen.nonce, "mistake")
    assert undone.standing == "never"
    (told,) = await door.gates.upload(DEVICE, [seen])
    assert told.outcome == "undone"
    assert await door.scan("A") == "ok"


async def test_lists_are_for_who_manages_the_event(door):
    with pytest.raises(Denied):
        await door.lists.find_managed(STAN, "evt")
    managed = await door.lists.find_managed(LENA, "evt")
    made = await door.lists.create(managed, ListRules("VIP"), "key", b"hash")
    assert await door.lists.create(managed, ListRules("VIP"), "key", b"hash") == made
    with pytest.raises(Refusal, match="key_reused"):
        await door.lists.create(managed, ListRules("VIP"), "key", b"other")
    with pytest.raises(Refusal, match="list_not_found"):
        await door.lists.edit(managed, "none", {"name": "B"}, None)
    edited = await door.lists.edit(managed, made.list_id, {"categories": ["2"]}, None)
    assert await door.scan("A", list=edited.list_id) == "wrong_list"
    assert [one.list_id for one in await door.lists.of_event(DEVICE, "evt")] == [
        "main",
        made.list_id,
    ]
    await door.scan("A")
    lists, gates = await door.lists.counts(DEVICE, "evt")
    assert [(one.list_id, one.come) for one in lists] == [
        ("main", 1),
        (made.list_id, 0),
    ]
    assert [(one.gate, one.entries) for one in gates] == [("", 1)]


async def test_a_webhook_hears_of_each_entry_once(door):
    """Who is in already and is scanned again is no entry; after an undo it is."""
    pool = door.house.pool
    url = "https://hooks.example.org"
    new = NewHook("hook", "org", url, "", [], "standard", b"s", "", b"")
    await Hooks(pool, 9).create(new)
    asked = door.asked(door.code("A"))
    for _ in range(2):
        await door.gates.scan(DEVICE, asked, uncounted())
    assert await door.scan("A") == "already_in"
    (row,) = await pool.fetch("SELECT type, body FROM hook_delivery")
    assert row["type"] == "ticket.checked_in"
    assert '"tic_A"' in row["body"]
    await door.gates.undo(OLGA, "evt", asked.nonce, "mistake")
    assert await door.scan("A") == "ok"
    # An earlier green takes its place; nobody came in again.
    await door.gates.upload(DEVICE, [door.seen(door.code("A"))])
    assert len(await pool.fetch("SELECT FROM hook_delivery")) == 2
