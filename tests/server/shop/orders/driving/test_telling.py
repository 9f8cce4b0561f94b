"""What buyers are told of what goes back: once each, with what they are told of."""

import asyncio
from typing import Any

import msgspec
import pytest

from persistence.events.catalog import Catalog
from persistence.mail import Outbox
from server.base.refusals.refusals import Refusal
from server.people.notices.composer import NoticeComposer
from server.shop.orders.driving.telling import notices_of
from server.shop.orders.facts import EventCancelled, GiveBack, Goodwill, RefundAgain
from server.shop.orders.giving.giver import Giver
from server.shop.payments.gateway.wire import Behaviour
from tests.server.shop.orders.giving.test_giver import booked, give, scan_in

pytestmark = pytest.mark.postgres


@pytest.fixture
def giver(shop):
    return Giver(shop.pool, shop.desk)


async def told(shop) -> list[tuple[str, str, dict[str, Any]]]:
    """Return kind, subject and data of all notices; each has one mail, to the buyer."""
    rows = await shop.pool.fetch(
        "SELECT kind, subject, user_id, data::text AS data,"
        " (SELECT array_agg(recipient) FROM mail m WHERE m.notice_id = n.notice_id)"
        " AS mails FROM notice n ORDER BY at"
    )
    assert {row["user_id"] for row in rows} <= {"olga"}
    assert all(row["mails"] == ["olga@example.org"] for row in rows)
    decode = msgspec.json.decode
    return [(row["kind"], row["subject"], decode(row["data"])) for row in rows]


async def words(shop, locale: str) -> str:
    """Return what all mails say."""
    await shop.pool.fetch("UPDATE mail SET due_at = now(), locale = $1", locale)
    composer = NoticeComposer(Catalog(shop.pool), None)
    composed = [await composer.compose(x) for x in await Outbox(shop.pool).take()]
    return "\n".join(f"{one.subject}\n{one.text}" for one in composed)


async def test_a_part_that_goes_back_is_told_once_and_so_is_its_money(shop, giver):
    order = await booked(shop)
    asked = GiveBack((2,), by="manager")
    await give(shop, giver, order, asked)
    (cancelled, sent) = await told(shop)
    of = {"order": order, "reference": "REF1"}
    money = {"amount": 2_000, "currency": "EUR"}
    assert cancelled == (
        "order_cancelled",
        f"{order}:1",
        {**of, "part": True, "labels": ["GA"], **money},
    )
    (refund,) = (await shop.state(order)).refunds
    assert sent == ("refund_sent", refund.refund, {**of, **money})
    # Asked again, driven again, told again by the provider.
    await give(shop, giver, order, asked)
    await shop.settle()
    assert await told(shop) == [cancelled, sent]
    # What is written of it later tells nothing of what was.
    assert notices_of(await shop.stored(order), await shop.state(order)) == []
    await give(shop, giver, order, GiveBack())
    (_, _, rest, _) = await told(shop)
    assert rest == (
        "order_cancelled",
        f"{order}:2",
        {**of, **money, "part": False, "labels": ["GA", "GA"], "amount": 4_000},
    )
    english, german = await words(shop, "en"), await words(shop, "de")
    for one in ("REF1 was cancelled in part.", "REF1 was cancelled.", "€40.00"):
        assert one in english
    for one in ("REF1 wurde zum Teil storniert.", "REF1 wurde storniert.", "40,00"):
        assert one in german


async def test_ten_that_give_all_of_it_back_at_once_tell_it_once(shop, giver):
    order = await booked(shop)
    await asyncio.gather(*(giver.give(order, "evt", GiveBack()) for _ in range(10)))
    await shop.settle()
    await shop.deliver()
    assert [(kind, data["amount"]) for kind, _, data in await told(shop)] == [
        ("order_cancelled", 6_000),
        ("refund_sent", 6_000),
    ]


async def test_a_refund_that_fails_is_told_and_so_is_the_one_that_then_arrives(
    shop, giver
):
    order = await booked(shop)
    shop.book.treat(await shop.ref(order), Behaviour(refunds="fail"))
    (failed,) = await give(shop, giver, order, Goodwill("rfd_g", 1_000))
    assert [one[:2] for one in await told(shop)] == [("refund_failed", "rfd_g")]
    await shop.settle()
    assert len(await told(shop)) == 1
    assert "We could not return €10.00 yet" in await words(shop, "en")
    assert "konnten noch nicht zurückgezahlt werden" in await words(shop, "de")
    shop.book.treat(await shop.ref(order), Behaviour())
    for _ in range(2):
        await give(shop, giver, order, RefundAgain(failed.refund))
    assert [one[:2] for one in await told(shop)] == [
        ("refund_failed", "rfd_g"),
        ("refund_sent", "rfd_g_again"),
    ]


async def test_of_a_cancelled_event_each_order_tells_of_its_money_alone(shop, giver):
    order = await booked(shop)
    for _ in range(2):
        await give(shop, giver, order, EventCancelled())
    assert [one[0] for one in await told(shop)] == ["refund_sent"]


async def test_nobody_is_told_of_what_was_refused(shop, giver):
    order = await booked(shop)
    await scan_in(shop, 1)
    with pytest.raises(Refusal, match="already_in"):
        await giver.give(order, "evt", GiveBack((1,)))
    assert await told(shop) == []


async def test_who_buys_and_who_leaves_before_paying_is_told_nothing(shop):
    await booked(shop)
    order = await shop.priced(1)
    await shop.end_pay_time(order)
    await shop.settle()
    assert (await shop.state(order)).status == "cancelled"
    assert await told(shop) == []
