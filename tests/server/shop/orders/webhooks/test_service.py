"""Webhooks by the hundred: doubled, reversed, forged, late, of nothing known."""

import asyncio
import random
import time
from typing import Any

import pytest
from asyncpg import CheckViolationError
from msgspec.structs import replace

from inventory.settings import Money
from server.base.refusals.refusals import Refusal
from server.shop.payments.gateway.wire import Behaviour
from server.transport.outbox.signatures import headers_of
from tests.server.shop.orders.shop import EVENT, SECRET, Shop, open_shop

pytestmark = pytest.mark.postgres


async def pay_all(shop: Shop, count: int, behaviour: Behaviour) -> list[str]:
    """Return so many orders whose buyers have just paid."""
    orders = []
    for number in range(count):
        order = await shop.priced(1, f"user {number}")
        shop.book.treat(await shop.ref(order), behaviour)
        await shop.pay(order)
        orders.append(order)
    return orders


async def rows(shop: Shop, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await shop.pool.fetch(sql)]


async def test_hundreds_of_webhooks_in_disorder_have_one_effect_each(shop):
    """20 orders charged twice: 60 messages, each sent ten times, at the same time."""
    orders = await pay_all(shop, 20, Behaviour(double_charge=True, reversed=True))
    messages = [one for one in shop.messages() for _ in range(10)]
    assert len(messages) >= 400
    random.Random(14).shuffle(messages)
    queue = iter(messages)

    async def deliver() -> None:
        for message in queue:
            assert await shop.deliver(message) == [True]

    await asyncio.gather(*(deliver() for _ in range(6)))
    await shop.settle()
    await shop.deliver()
    for order in orders:
        state = await shop.state(order)
        assert state.status == "confirmed"
        assert sorted(str(one.use) for one in state.payments) == ["accepted", "surplus"]
        (refund,) = state.refunds
        assert (refund.reason, refund.state, refund.amount) == (
            "surplus",
            "settled",
            2_000,
        )
        assert (state.returned, state.due) == ("none", 0)
    assert (await shop.counts())["booked"] == 20
    books = "SELECT account, sum(amount)::int FROM money_entry GROUP BY account"
    assert dict(await rows(shop, books)) == {
        "provider": 40_000,
        "sales": -40_000,
        "due": 0,
    }
    assert await rows(
        shop, "SELECT count(*) FROM provider_event WHERE applied_at IS NULL"
    ) == [(0,)]
    await shop.check()


async def test_what_nobody_signed_or_long_ago_is_refused_counted_and_not_kept(shop):
    order = await shop.priced()
    await shop.pay(order)
    (message, *_) = shop.messages()
    now = int(time.time())
    good = headers_of((SECRET,), message.id, now, message.body)
    forged = [
        {},
        {**good, "webhook-signature": "v1,AAAA"},
        {**good, "webhook-id": "another"},
        headers_of((b"x" * 32,), message.id, now, message.body),
        headers_of((SECRET,), message.id, now - 600, message.body),
        headers_of((SECRET,), message.id, now + 600, message.body),
    ]
    for headers in forged * 20:
        with pytest.raises(Refusal) as refused:
            await shop.webhooks.take("gateway", headers, message.body)
        assert refused.value.code == "webhook_forged"
    with pytest.raises(Refusal):
        await shop.webhooks.take("gateway", good, message.body + b" ")
    with pytest.raises(Refusal) as refused:
        await shop.webhooks.take("stripe", good, message.body)
    assert refused.value.code == "provider_not_found"
    assert shop.webhooks.refused == 121
    assert await rows(shop, "SELECT count(*) FROM provider_event") == [(0,)]
    assert (await shop.state(order)).step == "paying"
    assert await shop.webhooks.take("gateway", good, message.body)
    assert (await shop.state(order)).accepted is not None


async def test_a_message_that_overtook_us_waits_and_is_applied(shop):
    order = await shop.priced()
    await shop.pay(order)
    messages = shop.messages()
    # As if the attempt were not committed yet.
    await shop.pool.fetch("CREATE TABLE aside AS SELECT * FROM payment")
    await shop.pool.fetch("DELETE FROM payment")
    assert await shop.deliver(*messages) == [False] * len(messages)
    await shop.webhooks.look()
    assert await shop.deliver(*messages) == [False] * len(messages)
    await shop.pool.fetch("INSERT INTO payment SELECT * FROM aside")
    await shop.webhooks.look()
    await shop.settle()
    assert (await shop.state(order)).status == "confirmed"
    assert await shop.deliver(*messages) == [True] * len(messages)


async def test_what_cannot_be_applied_holds_up_no_other(shop):
    orders = await pay_all(shop, 2, Behaviour())
    messages = shop.messages()
    await shop.pool.fetch("CREATE TABLE aside AS SELECT * FROM payment")
    await shop.pool.fetch("DELETE FROM payment")
    await shop.deliver(*messages)
    await shop.pool.fetch("INSERT INTO payment SELECT * FROM aside")
    take, ref = shop.desk.take, await shop.ref(orders[0])

    async def breaking(event, facts):
        if event.payment_ref == ref:
            raise ValueError("it is broken")
        return await take(event, facts)

    shop.desk.take = breaking
    await shop.webhooks.look()
    shop.desk.take = take
    await shop.driver.drain(10)
    states = [(await shop.state(order)).status for order in orders]
    assert states == ["payment_pending", "confirmed"]
    await shop.webhooks.look()
    await shop.driver.drain(10)
    assert (await shop.state(orders[0])).status == "confirmed"


async def test_what_tells_of_nothing_known_is_counted_after_ten_minutes(shop):
    order = await shop.priced()
    await shop.pay(order)
    messages = shop.messages()
    await shop.pool.fetch("DELETE FROM payment")
    await shop.deliver(*messages)
    await shop.webhooks.look()
    assert shop.webhooks.strange == 0
    await shop.pool.fetch(
        "UPDATE provider_event SET received_at = now() - interval '601 s'"
    )
    await shop.webhooks.look()
    assert shop.webhooks.strange == len(messages)


async def test_a_message_that_could_not_be_applied_is_applied_the_next_time(shop):
    order = await shop.priced()
    await shop.pay(order)
    messages = shop.messages()
    # As if the database did not like what became of the order.
    forbid = "ALTER TABLE money_entry ADD CONSTRAINT none CHECK (amount = 0) NOT VALID"
    await shop.pool.fetch(forbid)
    with pytest.raises(CheckViolationError):
        await shop.deliver(*messages)
    await shop.pool.fetch("ALTER TABLE money_entry DROP CONSTRAINT none")
    assert (await shop.state(order)).step == "paying"
    assert await rows(shop, "SELECT count(*) FROM provider_event") == [(0,)]
    await shop.deliver(*messages)
    await shop.settle()
    assert (await shop.state(order)).status == "confirmed"


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(10_000, "JPY"), (18_600, "KWD"), (4_500, "EUR"), (1, "USD")],
)
async def test_amounts_are_charged_in_minor_units_as_they_stand(
    database_url, tmp_path, amount, currency
):
    event = replace(EVENT, prices={"GA": Money(amount, currency)})
    async with open_shop(database_url, tmp_path, event) as shop:
        order = await shop.priced()
        session = shop.book.show(await shop.ref(order))
        assert (session.amount, session.currency) == (amount, currency)
        await shop.pay(order)
        await shop.deliver()
        await shop.settle()
        state = await shop.state(order)
        (payment,) = state.payments
        assert (payment.captured, payment.captured_currency) == (amount, currency)
        assert state.status == "confirmed"


@pytest.mark.parametrize(
    ("behaviour", "step", "refunds"),
    [
        (Behaviour(capture_amount=1_999), "priced", [("rejected", 1_999)]),
        (Behaviour(capture_amount=2_001), "booked", [("excess", 1)]),
        (Behaviour(capture_currency="USD"), "priced", [("rejected", 2_000)]),
    ],
)
async def test_what_was_not_asked_for_goes_back(shop, behaviour, step, refunds):
    await pay_all(shop, 1, behaviour)
    await shop.deliver()
    await shop.settle()
    state = await shop.state("ord_1")
    assert state.step == step
    assert [(one.reason, one.amount) for one in state.refunds] == refunds
    assert [one.state for one in state.refunds] == ["settled"]
    await shop.check()


async def test_messages_are_kept_for_90_days_and_what_fits_nothing_is_told(
    shop, capsys
):
    await shop.pay(await shop.priced())
    assert await shop.deliver() == [True]
    ((known,),) = await rows(shop, "SELECT event_ref FROM provider_event")
    sql = (
        "INSERT INTO provider_event (provider, event_ref, payment_ref, body,"
        " received_at, applied_at) SELECT 'gateway', kind || days, 'gs_none', '[]',"
        " now() - days * interval '1 day', CASE WHEN kind = 'applied'"
        " THEN now() - days * interval '1 day' END"
        " FROM unnest(ARRAY[89, 91]) AS days,"
        " unnest(ARRAY['applied', 'strange']) AS kind"
    )
    await shop.pool.fetch(sql)
    await shop.webhooks.forget()
    kept = await rows(shop, "SELECT event_ref FROM provider_event ORDER BY 1")
    assert kept == sorted([("applied89",), ("strange89",), (known,)])
    told = capsys.readouterr().out
    assert "strange91" in told
    assert "applied91" not in told
