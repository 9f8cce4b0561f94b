"""Letters about orders that were really paid, to a real SMTP server."""

import asyncio
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from inventory.changes import HoldBooked
from persistence.followers.follower import Followed
from persistence.people.notices.notices import notice_id
from server.transport.mail import sender as sending
from tests.post_office import PostOffice
from tests.server.people.notices.conftest import URL


@pytest.fixture
def office() -> Iterator[PostOffice]:
    office = PostOffice().open()
    yield office
    office.close()


async def letters(counter: Any) -> list[Any]:
    return list(await counter.shop.pool.fetch("SELECT * FROM mail ORDER BY mail_id"))


async def test_who_paid_gets_one_letter_with_tickets_and_a_file(counter, office):
    order = await counter.buy(2)
    await counter.follow()
    sender = counter.sender(office.url)
    await sender.send_due()
    # Nothing that follows writes another one.
    await counter.shop.settle()
    await counter.follow()
    await sender.send_due()
    (mail,) = office.mails
    assert mail["To"] == "olga@example.org"
    assert mail["Subject"] == "Your tickets: Concert"
    name = notice_id("order_confirmed", order, "olga")
    assert mail["Message-ID"] == f"<mail_{name}@example.org>"
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    tickets = await counter.shop.pool.fetch("SELECT * FROM ticket ORDER BY number")
    assert len(tickets) == 2
    for ticket in tickets:
        link = f"https://tickets.example.org/tickets/{ticket['ticket_id']}"
        assert f"- {ticket['number']}, GA\n  {link}\n" in text
    assert "Your order REF1 is confirmed." in text
    assert "Total: €40.00" in text
    assert "at the door" not in text
    (link,) = [x for x in text.split() if x.startswith(f"{URL}orders/{order}#")]
    (opening,) = await counter.shop.pool.fetch("SELECT * FROM order_opening")
    assert (opening["order_id"], opening["kind"]) == (order, "link")
    # Of what opens the order a hash is stored.
    secret = link.partition("#")[2]
    assert opening["hash"] == sha256(secret.encode()).digest()
    # What the buyer typed in is not told: anybody could have us send it to anybody.
    assert "Olga" not in text
    html = mail.get_body(("html",)).get_content()
    assert link in html
    calendar, *pdfs = mail.iter_attachments()
    assert [pdf.get_content_type() for pdf in pdfs] == ["application/pdf"] * 2
    numbers = [f"ticket-{ticket['number']}.pdf" for ticket in tickets]
    assert sorted(pdf.get_filename() for pdf in pdfs) == numbers
    assert all(pdf.get_content().startswith(b"%PDF") for pdf in pdfs)
    assert calendar.get_content_type() == "text/calendar"
    assert calendar.get_content_charset() == "utf-8"
    assert calendar.get_filename() == "event.ics"
    shown = calendar.get_content()
    assert "SUMMARY:Concert" in shown
    assert shown.splitlines()[0] == "BEGIN:VCALENDAR"
    # Sent is sent: what it said is not kept.
    (row,) = await letters(counter)
    assert (row["data"], row["files"]) == ("{}", [])


async def test_a_letter_waits_for_the_tickets_that_it_tells_of(counter):
    await counter.buy()
    done = await counter.passes.step(counter.notices, "evt", "tickets")
    assert done.versions == 0
    assert await letters(counter) == []
    await counter.follow()
    (row,) = await letters(counter)
    (ticket,) = await counter.shop.pool.fetch("SELECT number FROM ticket")
    assert ticket["number"] in row["data"]


async def test_a_note_that_names_an_order_writes_to_nobody(counter):
    """Whoever knows an order could else have letters sent to its buyer."""
    order = await counter.buy()
    state = await counter.shop.state(order)
    noted = HoldBooked(state.hold, state.booking, "REF", order)
    async with counter.shop.pool.transaction() as connection:
        await counter.notices.follow(connection, "evt", [Followed(1, 0, noted)])
    assert await letters(counter) == []


async def test_a_server_that_is_ill_gets_the_same_letter_later(
    counter, office, monkeypatch
):
    """It says later, then hangs, and then takes it."""
    order = await counter.buy()
    await counter.follow()
    sender = counter.sender(office.url)
    office.answer = "451 come back later"
    await sender.send_due()
    assert (sender.status, office.mails) == ("degraded", [])
    office.answer = "250 taken"
    monkeypatch.setattr(sending, "SMTP_S_MAX", 0.3)
    monkeypatch.setattr(office, "handle_DATA", hang)
    await counter.shop.pool.fetch("UPDATE mail SET due_at = now()")
    await sender.send_due()
    (row,) = await letters(counter)
    assert (row["attempts"], row["sent_at"], row["failed_at"]) == (2, None, None)
    monkeypatch.undo()
    await counter.shop.pool.fetch("UPDATE mail SET due_at = now()")
    await sender.send_due()
    (mail,) = office.mails
    name = notice_id("order_confirmed", order, "olga")
    assert mail["Message-ID"] == f"<mail_{name}@example.org>"
    assert len(list(mail.iter_attachments())) == 2


async def hang(server: Any, session: Any, envelope: Any) -> str:
    await asyncio.sleep(2)
    return "451 too late"


async def test_an_address_that_is_refused_for_good_costs_the_others_nothing(
    counter, office
):
    await counter.buy()
    await counter.follow()
    office.answer = "550 no such mailbox"
    sender = counter.sender(office.url)
    await sender.send_due()
    (row,) = await letters(counter)
    assert row["failed_at"] is not None
    assert (await counter.shop.state(await counter.buy())).status == "confirmed"


async def test_a_mail_without_words_waits_and_holds_up_no_other(counter, office):
    first, second = await counter.buy(), await counter.buy()
    await counter.follow()
    pool, sender = counter.shop.pool, counter.sender(office.url)
    broken = f"mail_{notice_id('order_confirmed', first, 'olga')}"
    await pool.fetch("UPDATE mail SET data = '{}' WHERE mail_id = $1", broken)
    await sender.send_due()
    (mail,) = office.mails
    name = notice_id("order_confirmed", second, "olga")
    assert mail["Message-ID"] == f"<mail_{name}@example.org>"
    (row,) = await pool.fetch("SELECT * FROM mail WHERE mail_id = $1", broken)
    assert (row["sent_at"], row["failed_at"]) == (None, None)
    assert row["reason"] == "It could not be written: UndefinedError."


async def test_a_ticket_that_was_handed_on_or_revoked_goes_with_no_mail(
    counter, office
):
    """Between the mail's being due and its being sent."""
    await counter.buy(3)
    await counter.follow()
    pool = counter.shop.pool
    rows = await pool.fetch("SELECT ticket_id, number FROM ticket ORDER BY number")
    await pool.fetch(
        'UPDATE ticket SET holder = \'{"user": "bert"}\' WHERE ticket_id = $1',
        rows[0]["ticket_id"],
    )
    await pool.fetch(
        "UPDATE ticket SET state = 'revoked', revoked_at = now() WHERE ticket_id = $1",
        rows[1]["ticket_id"],
    )
    await counter.sender(office.url).send_due()
    (mail,) = office.mails
    names = [part.get_filename() for part in mail.iter_attachments()]
    assert names == ["event.ics", f"ticket-{rows[2]['number']}.pdf"]
