"""Tickets found, listed and issued again without a request, on a real Postgres."""

import asyncio

import pytest

from inventory.commands import Book, Cancel, CancelPart, Hold, Pledge
from inventory.replies import BookOk, GivenBackOk, HoldOk, PledgeOk
from inventory.venue.own import GA
from persistence.shop.tickets.register import change_state, open_register
from persistence.shop.tickets.tickets import Revocations
from server.base.refusals.refusals import Denied, Refusal
from server.live.actors.envelopes import envelope_of
from server.shop.tickets.service import TicketService
from server.shop.tickets.token import Claims, event_mark, verify
from tests.server.identities import ADMIN, GUEST, LENA, MAKER, MIA, OLGA, STAN, machine
from tests.server.shop.tickets.following import Stretches

pytestmark = pytest.mark.postgres


class Desk:
    """The services of a house, and who follows the journal of one event."""

    def __init__(self, house, event="evt"):
        self.house, self.event = house, event
        self.stretches = Stretches(house.pool, event)
        self.service = TicketService(
            house.pool, self.stretches.keyring, house.events, house.memberships
        )

    async def book(self, who=GUEST, places=1):
        held = await self.house.sales.run(
            who, Hold(id=0, event=self.event, areas={GA: places})
        )
        assert isinstance(held, HoldOk)
        booked = await self.house.sales.run(
            who, Book(id=0, event=self.event, hold=held.hold)
        )
        assert isinstance(booked, BookOk)
        await self.stretches.catch_up()
        return await self.service.store.of_booking(booked.booking)

    async def ask(self, command, who=GUEST, system=False):
        local = await self.house.registry.find(self.event)
        answer = asyncio.get_running_loop().create_future()
        local.offer(
            envelope_of(
                command,
                who.user,
                False,
                lambda _, reply: answer.set_result(reply),
                system=system,
            )
        )
        return await answer

    async def set_state(self, tickets, was, to):
        async with self.house.pool.transaction() as connection:
            revision = await open_register(connection, self.event)
            ids = [one.ticket for one in tickets]
            return await change_state(connection, revision, ids, was, to)


@pytest.fixture
async def desk(house):
    await house.put("evt")
    return Desk(house)


async def test_a_code_says_which_ticket_it_is_and_is_signed_by_the_organisation(desk):
    (one,) = await desk.book()
    shown = await desk.service.find(GUEST, one.ticket)
    keys = await desk.service.keyring.public_keys("org")
    found = verify(shown.code, keys)
    assert isinstance(found, Claims)
    assert (found.event, found.number) == (event_mark("evt"), one.number)
    assert (found.generation, found.kind, found.place) == (1, "place", 0)
    assert found.key == one.key
    assert await desk.service.keyring.public_keys(None) == {}
    again = TicketService(
        desk.house.pool, desk.service.keyring, desk.house.events, desk.house.memberships
    )
    assert (await again.find(GUEST, one.ticket)).code == shown.code


async def test_who_sees_a_ticket_and_its_code(desk):
    (one,) = await desk.book()
    for who in (GUEST, LENA, OLGA, ADMIN):
        assert (await desk.service.find(who, one.ticket)).code is not None
        assert (await desk.service.find_code(who, one.ticket))[1]
    for who in (STAN, machine("org")):
        assert (await desk.service.find(who, one.ticket)).code is None
        with pytest.raises(Denied, match="forbidden"):
            await desk.service.find_code(who, one.ticket)
    for who in (MIA, MAKER, machine("other")):
        with pytest.raises(Refusal, match="ticket_not_found"):
            await desk.service.find(who, one.ticket)
    with pytest.raises(Refusal, match="ticket_not_found"):
        await desk.service.find(ADMIN, "none")


async def test_what_is_being_given_back_has_no_code(desk):
    (one,) = await desk.book()
    for state, has_code in (("locked", False), ("offered", True)):
        assert await desk.set_state([one], "valid", state) == [one.ticket]
        shown = await desk.service.find(GUEST, one.ticket)
        assert (shown.ticket.state, shown.code is not None) == (state, has_code)
        # Only what is in the state that was thought of is moved.
        assert await desk.set_state([one], "valid", "locked") == []
        await desk.set_state([one], state, "valid")
    await desk.house.bookings.cancel(GUEST, one.booking, None)
    await desk.stretches.catch_up()
    assert (await desk.service.find(GUEST, one.ticket)).ticket.state == "revoked"
    with pytest.raises(Refusal, match="ticket_not_valid"):
        await desk.service.find_code(GUEST, one.ticket)


async def test_exactly_the_locked_place_goes_when_a_part_is_given_back(desk):
    tickets = await desk.book(places=3)
    await desk.set_state(tickets[1:2], "valid", "locked")
    reply = await desk.ask(
        CancelPart(id=0, event="evt", booking=tickets[0].booking, areas={GA: 1}),
        system=True,
    )
    assert isinstance(reply, GivenBackOk)
    await desk.stretches.catch_up()
    after = await desk.service.store.of_booking(tickets[0].booking)
    states = {one.ticket: one.state for one in after}
    assert states == {
        tickets[0].ticket: "valid",
        tickets[1].ticket: "revoked",
        tickets[2].ticket: "valid",
    }


async def test_a_ticket_of_an_order_knows_it_and_a_note_of_the_buyer_is_none(desk):
    held = await desk.ask(Hold(id=0, event="evt", areas={GA: 2}))
    assert isinstance(held, HoldOk)
    pledged = await desk.ask(
        Pledge(id=0, event="evt", hold=held.hold, order="ord_1", until_s=60),
        system=True,
    )
    assert isinstance(pledged, PledgeOk)
    booked = await desk.ask(
        Book(id=0, event="evt", hold=held.hold, order="ord_1"), system=True
    )
    assert isinstance(booked, BookOk)
    noted = await desk.ask(Hold(id=0, event="evt", areas={GA: 1}))
    await desk.ask(Book(id=0, event="evt", hold=noted.hold, order="ord_1"))
    await desk.stretches.catch_up()
    shown = await desk.service.of_orders(["ord_1", "none"], GUEST.user)
    assert [one.ticket.booking for one in shown] == [booked.booking] * 2
    assert len({one.code for one in shown} - {None}) == 2
    # Who runs the event sees the order, and gets no code by that.
    theirs = await desk.service.of_orders(["ord_1"], LENA.user)
    assert [one.code for one in theirs] == [None, None]
    # Who manages it prints them, and so does who bought them.
    for who in (LENA, GUEST):
        printed = await desk.service.find_order_codes(who, "ord_1")
        assert {code for _, code in printed} == {one.code for one in shown}
    for who in (STAN, MIA, machine("org")):
        with pytest.raises(Refusal, match="ticket_not_found"):
            await desk.service.find_order_codes(who, "ord_1")
    tickets = [one.ticket for one in shown]
    await desk.set_state(tickets, "valid", "locked")
    with pytest.raises(Refusal, match="ticket_not_valid"):
        await desk.service.find_order_codes(LENA, "ord_1")


async def test_of_many_who_issue_a_ticket_again_at_once_one_does(desk):
    (one,) = await desk.book()
    before = await desk.service.find(GUEST, one.ticket)
    done = await asyncio.gather(
        *(desk.service.reissue(LENA, one.ticket, 1) for _ in range(8))
    )
    assert {shown.ticket.generation for shown in done} == {2}
    (code,) = {shown.code for shown in done}
    assert code != before.code
    listed = await desk.service.revoked(STAN, "evt", 0)
    assert [(row.number, row.generation) for row in listed.items] == [(one.number, 1)]
    assert (await desk.service.reissue(LENA, one.ticket, 2)).ticket.generation == 3
    with pytest.raises(Refusal, match="ticket_changed"):
        await desk.service.reissue(LENA, one.ticket, 1)
    for who in (GUEST, STAN):
        with pytest.raises(Denied, match="forbidden"):
            await desk.service.reissue(who, one.ticket, 3)
    await desk.set_state([one], "valid", "locked")
    with pytest.raises(Refusal, match="ticket_not_valid"):
        await desk.service.reissue(LENA, one.ticket, 3)


async def test_a_ticket_is_issued_again_as_often_as_its_code_can_say(desk):
    (one,) = await desk.book()
    await desk.house.pool.fetch("UPDATE ticket SET generation = 254")
    last = await desk.service.reissue(LENA, one.ticket, 254)
    assert last.ticket.generation == 255
    with pytest.raises(Refusal, match="limit_reached"):
        await desk.service.reissue(LENA, one.ticket, 255)


async def test_who_reads_the_list_since_where_they_were_misses_nothing(
    desk, monkeypatch
):
    monkeypatch.setattr("persistence.shop.tickets.tickets.REVOKED_MAX", 2)
    made = [one for _ in range(3) for one in await desk.book(places=3)]
    empty = await desk.service.revoked(STAN, "evt", 0)
    assert empty == Revocations(0, [], complete=True)
    for booking in dict.fromkeys(one.booking for one in made):
        await desk.house.bookings.cancel(GUEST, booking, None)
        await desk.stretches.catch_up()
    found, since, pages = [], 0, 0
    while True:
        part = await desk.service.revoked(STAN, "evt", since)
        # A revision is never cut: it has three, and a page two.
        assert len(part.items) % 3 == 0
        found += [(row.number, row.generation) for row in part.items]
        pages, since = pages + 1, part.revision
        if part.complete:
            break
    assert sorted(found) == sorted((one.number, 1) for one in made)
    assert pages == 3
    for who in (GUEST, MIA):
        with pytest.raises(Denied, match="forbidden"):
            await desk.service.revoked(who, "evt", 0)
    await desk.service.revoked(machine("org", "checkin"), "evt", 0)


async def test_one_s_tickets_are_listed_and_counted(desk):
    tickets = [*await desk.book(MIA, 2), *await desk.book(MIA)]
    await desk.book(GUEST)
    store, everything = desk.service.store, {"state": None, "event": None}
    first, cursor = await store.list_of_holder(
        MIA.user, **everything, limit=2, cursor=None
    )
    rest, none = await store.list_of_holder(
        MIA.user, **everything, limit=2, cursor=cursor
    )
    assert {one.ticket for one in (*first, *rest)} == {one.ticket for one in tickets}
    assert (len(first), len(rest), none) == (2, 1, None)
    assert await store.count_of_holder(MIA.user, **everything) == 3
    assert await store.count_of_holder(MIA.user, state="revoked", event=None) == 0
    assert await store.count_of_holder(MIA.user, state=None, event="other") == 0
    assert await store.count_of_event("evt", state="valid", text=None) == 4
    by_number = await store.count_of_event("evt", state=None, text=tickets[0].number)
    assert by_number == 1
    assert first[0].holder_name == "Mia"


async def test_keys_are_for_owners_and_those_of_the_house_for_administrators(desk):
    await desk.book()
    assert [one.number for one in await desk.service.add_key(OLGA, "org")] == [2, 1]
    assert [one.number for one in await desk.service.add_key(ADMIN, None)] == [2, 1]
    for who in (LENA, STAN, MIA):
        with pytest.raises(Denied, match="forbidden"):
            await desk.service.add_key(who, "org")
    with pytest.raises(Denied, match="forbidden"):
        await desk.service.add_key(OLGA, None)


async def test_a_booking_is_cancelled_before_its_tickets_were_made(desk):
    held = await desk.ask(Hold(id=0, event="evt", areas={GA: 1}))
    booked = await desk.ask(Book(id=0, event="evt", hold=held.hold))
    await desk.ask(Cancel(id=0, event="evt", booking=booked.booking))
    await desk.stretches.catch_up()
    assert await desk.service.store.of_booking(booked.booking) == []
