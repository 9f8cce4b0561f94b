"""Letters of an order, sent once more: to a real SMTP server, out of real Postgres."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from persistence.shop.orders.openings import LINKS_MAX, Openings, put_link_again
from server.base.refusals.refusals import Refusal
from server.shop.orders.facts import GiveBack
from server.shop.orders.giving.giver import Giver
from server.shop.orders.letters.service import SENDS_MAX, LetterService
from server.shop.orders.opening.service import OpeningService
from server.transport.mail.codes import hash_of_code
from server.transport.ratelimit.meter import Meter
from tests.post_office import PostOffice
from tests.server.people.notices.conftest import URL, counter

__all__ = ["counter"]
pytestmark = pytest.mark.postgres
UNLIMITED = Meter(None, "", "usr", lambda _: None)


class Wall:
    """A clock on the wall, which a test turns on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now_ms(self) -> int:
        return int((datetime.now(UTC) + self.ahead).timestamp() * 1_000)


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def letters(counter, wall):
    return LetterService(counter.shop.pool, cast(Any, None), cast(Any, wall), URL)


@pytest.fixture
def office():
    office = PostOffice().open()
    yield office
    office.close()


async def bought(counter):
    """Buy something, and have its letter sent; return the order."""
    order = await counter.buy(2)
    await counter.follow()
    return await counter.shop.stored(order)


async def test_a_confirmation_is_sent_again_with_the_tickets_of_today(
    counter, letters, office
):
    stored = await bought(counter)
    sender = counter.sender(office.url)
    await sender.send_due()
    (before,) = await letters.letters_of(stored)
    assert [one.state for one in before.mails] == ["sent"]
    name = before.notice.notice_id
    (told,) = await letters.send(stored, name, UNLIMITED)
    assert [one.state for one in told.mails] == ["sent", "due"]
    # Whoever asks twice sends one.
    assert len((await letters.send(stored, name, UNLIMITED))[0].mails) == 2
    await sender.send_due()
    first, second = office.mails
    assert (first["To"], second["To"]) == ("olga@example.org",) * 2
    assert first["Subject"] == second["Subject"]
    # Another mail, which no program takes for one that it has.
    assert first["Message-ID"] != second["Message-ID"]
    assert len(list(second.iter_attachments())) == 3
    order = stored.state.order
    links = [
        {x for x in mail.get_body(("plain",)).get_content().split() if f"{order}#" in x}
        for mail in office.mails
    ]
    assert len(links[0] | links[1]) == 2
    # Both open the order.
    opening = OpeningService(Openings(counter.shop.pool))
    for link in links[0] | links[1]:
        opened = await opening.open(order, link.partition("#")[2], UNLIMITED)
        assert opened.order == order


async def test_it_is_sent_again_so_often_a_day_and_then_tomorrow(
    counter, letters, wall
):
    stored = await bought(counter)
    (one,) = await letters.letters_of(stored)
    name = one.notice.notice_id
    for _ in range(SENDS_MAX):
        await counter.shop.pool.fetch("UPDATE mail SET sent_at = now()")
        await letters.send(stored, name, UNLIMITED)
    await counter.shop.pool.fetch("UPDATE mail SET failed_at = now(), sent_at = NULL")
    with pytest.raises(Refusal, match="letters_used_up"):
        await letters.send(stored, name, UNLIMITED)
    wall.ahead = timedelta(days=1)
    (again,) = await letters.send(stored, name, UNLIMITED)
    states = [one.state for one in again.mails]
    assert states == ["dead"] * (SENDS_MAX + 1) + ["due"]


async def test_what_was_told_of_a_part_and_its_money_is_listed_and_sent_again(
    counter, letters, office
):
    stored = await bought(counter)
    shop, order = counter.shop, stored.state.order
    giver = Giver(shop.pool, shop.desk)
    applied = await giver.give(order, "evt", GiveBack((1,)))
    await shop.driver.drive(order, applied)
    await shop.deliver()
    await shop.settle()
    stored = await shop.stored(order)
    sender = counter.sender(office.url)
    await sender.send_due()
    told = await letters.letters_of(stored)
    kinds = [one.notice.kind for one in told]
    assert kinds == ["order_confirmed", "order_cancelled", "refund_sent"]
    # Of another order of the same buyer nothing is here.
    other = await bought(counter)
    assert len(await letters.letters_of(stored)) == 3
    with pytest.raises(Refusal, match="letter_not_found"):
        await letters.send(other, told[0].notice.notice_id, UNLIMITED)
    await sender.send_due()
    sent = len(office.mails)
    for one in told[1:]:
        await letters.send(stored, one.notice.notice_id, UNLIMITED)
    await sender.send_due()
    again = sorted(mail["Subject"] for mail in office.mails[sent:])
    assert again == sorted(
        mail["Subject"] for mail in office.mails[:3] if "tickets" not in mail["Subject"]
    )


async def test_nothing_is_confirmed_again_once_all_of_it_went_back(counter, letters):
    stored = await bought(counter)
    shop, order = counter.shop, stored.state.order
    (one,) = await letters.letters_of(stored)
    await shop.pool.fetch("UPDATE mail SET sent_at = now()")
    applied = await Giver(shop.pool, shop.desk).give(order, "evt", GiveBack(None))
    await shop.driver.drive(order, applied)
    await shop.settle()
    with pytest.raises(Refusal, match="order_closed"):
        await letters.send(await shop.stored(order), one.notice.notice_id, UNLIMITED)


async def test_without_an_address_there_is_no_mail_to_send(counter, letters):
    stored = await bought(counter)
    shop, order = counter.shop, stored.state.order
    applied = await Giver(shop.pool, shop.desk).give(order, "evt", GiveBack((1,)))
    await shop.driver.drive(order, applied)
    await shop.settle()
    await shop.pool.fetch("UPDATE mail SET sent_at = now()")
    await shop.pool.fetch("UPDATE orders SET buyer = buyer - 'email'")
    told = await letters.letters_of(stored)
    gone = next(x for x in told if x.notice.kind == "order_cancelled")
    with pytest.raises(Refusal, match="no_address"):
        await letters.send(await shop.stored(order), gone.notice.notice_id, UNLIMITED)


async def test_an_order_has_so_many_links_and_the_oldest_end(counter):
    stored = await bought(counter)
    order, pool = stored.state.order, counter.shop.pool
    for n in range(LINKS_MAX + 1):
        async with pool.transaction() as connection:
            await put_link_again(connection, order, hash_of_code(str(n)))
    opening = OpeningService(Openings(pool))
    with pytest.raises(Refusal):
        await opening.open(order, "0", UNLIMITED)
    for n in range(1, LINKS_MAX + 1):
        assert (await opening.open(order, str(n), UNLIMITED)).order == order
