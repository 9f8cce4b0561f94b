"""Orders give back in parts, with a real journal, tables, gateway and tickets."""

import asyncio

import pytest

from persistence.journal.audit import audit_event
from persistence.shop.money.sums import takings_of
from persistence.shop.orders.records import Refund
from server.base.refusals.refusals import Refusal
from server.shop.orders.facts import GiveBack, Goodwill, RefundAgain
from server.shop.orders.giving.giver import Giver
from server.shop.payments.gateway.wire import Behaviour
from tests.server.shop.tickets.following import Stretches, there

pytestmark = pytest.mark.postgres


@pytest.fixture
def giver(shop):
    return Giver(shop.pool, shop.desk)


async def booked(shop, count=3) -> str:
    """Return an order that is paid and booked, and has its tickets."""
    order: str = await shop.priced(count)
    await shop.pay(order)
    await shop.deliver()
    await shop.settle()
    assert (await shop.state(order)).step == "booked"
    await tickets(shop)
    return order


async def tickets(shop) -> int:
    """Let the tickets follow; return how many count."""
    stretches = Stretches(shop.pool)
    await stretches.catch_up()
    return sum(len(some) for some in (await there(shop.pool)).values())


async def give(shop, giver, order, asked) -> list[Refund]:
    applied = await giver.give(order, "evt", asked)
    await shop.driver.drive(order, applied)
    await shop.deliver()
    return list((await shop.state(order)).refunds)


async def scan_in(shop, line: int) -> None:
    """Let somebody in with the ticket of a line."""
    await shop.pool.fetch(
        "INSERT INTO checkin_list (event_id, list_id, name) VALUES ('evt', 'l', 'l')"
    )
    await shop.pool.fetch(
        "INSERT INTO checkin_state (ticket_id, event_id, list_id, state, at,"
        " nonce, gate, who, sort_at) SELECT ticket_id, event_id, 'l', 'in', now(),"
        " 'n', 'g', 'w', now() FROM ticket WHERE line = $1",
        line,
    )


async def check(shop) -> None:
    """The tables and the ledger agree to the cent."""
    await shop.check()
    for one in await takings_of(shop.pool, "evt"):
        assert one.differing == 0, one.differences


async def test_one_of_three_places_goes_back_and_the_others_stay(shop, giver):
    order = await booked(shop)
    assert await tickets(shop) == 3
    (refund,) = await give(shop, giver, order, GiveBack((2,)))
    assert (refund.amount, refund.state) == (2_000, "settled")
    assert (await shop.counts())["booked"] == 2
    state = await shop.state(order)
    assert [one.state for one in state.lines] == ["live", "gone", "live"]
    assert (state.step, state.returned, state.due) == ("booked", "part", 0)
    assert await tickets(shop) == 2
    rows = await shop.pool.fetch("SELECT line FROM ticket WHERE state = 'revoked'")
    assert [row["line"] for row in rows] == [2]
    await check(shop)
    await give(shop, giver, order, GiveBack())
    state = await shop.state(order)
    assert (state.step, state.returned) == ("given_back", "full")
    assert (await shop.counts())["free"] == 30
    assert sum(one.amount for one in state.refunds) == 6_000
    await check(shop)


async def test_ten_that_give_back_one_line_at_once_give_it_back_once(shop, giver):
    """As shops do that count down for each click, and end with less than nothing."""
    order = await booked(shop)
    await asyncio.gather(*(giver.give(order, "evt", GiveBack((1,))) for _ in range(10)))
    await shop.settle()
    await shop.deliver()
    state = await shop.state(order)
    assert [one.amount for one in state.refunds] == [2_000]
    assert (await shop.counts())["booked"] == 2
    await check(shop)


async def test_all_parts_at_once_are_each_given_back(shop, giver):
    """As a bulk refund must: not the first one only."""
    order = await booked(shop)
    await asyncio.gather(*(giver.give(order, "evt", GiveBack((n,))) for n in (1, 2, 3)))
    await shop.settle()
    await shop.deliver()
    state = await shop.state(order)
    assert sorted(one.lines for one in state.refunds) == [(1,), (2,), (3,)]
    assert {one.state for one in state.refunds} == {"settled"}
    assert (state.step, await tickets(shop)) == ("given_back", 0)
    await check(shop)


async def test_seats_that_are_kept_are_nobodys_and_have_no_ticket(
    shop, giver, database_url
):
    order = await booked(shop)
    await give(shop, giver, order, GiveBack((3,), keep=True))
    assert (await shop.counts())["booked"] == 3
    assert await tickets(shop) == 2
    # Whoever follows the journal anew makes none for it either.
    await shop.pool.fetch("UPDATE ticket SET line = NULL")
    assert await tickets(shop) == 2
    await check(shop)
    receipt = await audit_event(database_url, "evt")
    assert receipt.ok, receipt.differences


async def test_a_goodwill_leaves_seats_and_tickets_and_the_books_agree(shop, giver):
    order = await booked(shop)
    (refund,) = await give(shop, giver, order, Goodwill("rfd_g", 1_000))
    assert (refund.amount, refund.state) == (1_000, "settled")
    assert (await shop.counts())["booked"] == await tickets(shop) == 3
    await check(shop)
    with pytest.raises(Refusal, match="refund_too_much"):
        await giver.give(order, "evt", Goodwill("rfd_h", 5_001))
    refunds = await give(shop, giver, order, GiveBack())
    assert [one.amount for one in refunds] == [1_000, 5_000]
    assert (await shop.state(order)).due == 0
    await check(shop)


async def test_a_refund_that_fails_later_is_due_and_tried_again(shop, giver):
    order = await booked(shop)
    shop.book.treat(await shop.ref(order), Behaviour(refunds="fail"))
    (failed,) = await give(shop, giver, order, GiveBack((1,)))
    assert failed.state == "failed"
    assert (await shop.state(order)).due == 2_000
    await check(shop)
    shop.book.treat(await shop.ref(order), Behaviour())
    _, again = await give(shop, giver, order, RefundAgain(failed.refund))
    assert (again.state, (await shop.state(order)).due) == ("settled", 0)
    await check(shop)


async def test_who_is_in_is_not_given_back_and_the_others_are(shop, giver):
    order = await booked(shop)
    await scan_in(shop, 1)
    for asked in (GiveBack((1,)), GiveBack(), GiveBack((1, 2), keep=True)):
        with pytest.raises(Refusal, match="already_in"):
            await giver.give(order, "evt", asked)
    assert {one.state for one in (await shop.state(order)).lines} == {"live"}
    await give(shop, giver, order, GiveBack((2,)))
    assert await tickets(shop) == 2
    await check(shop)


async def test_a_buyer_returns_nothing_that_was_passed_on(shop, giver):
    """Else one sells a ticket on, and has the money of it twice."""
    order = await booked(shop)
    await shop.pool.fetch('UPDATE ticket SET holder = \'{"user": "mia"}\'')
    await shop.pool.fetch(
        "INSERT INTO ticket_transfer (transfer_id, ticket_id, event_id, from_user,"
        " email, code, state, to_user, expires_at, ended_at) SELECT 't' || line,"
        " ticket_id, event_id, 'olga', 'm', '', 'accepted', 'mia', now(), now()"
        " FROM ticket WHERE line = 2"
    )
    for asked in (GiveBack((2,)), GiveBack()):
        with pytest.raises(Refusal, match="ticket_passed_on"):
            await giver.give(order, "evt", asked)
    assert {one.state for one in (await shop.state(order)).lines} == {"live"}
    await giver.give(order, "evt", GiveBack((1,)))
    (*_, refund) = await give(shop, giver, order, GiveBack((2,), by="seller"))
    assert refund.lines == (2,)
    await check(shop)
