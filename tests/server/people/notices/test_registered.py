"""The mail of a registration carries its ticket, once there is one."""

from collections.abc import Iterator
from typing import Any

import pytest

from inventory.settings import Settings
from persistence.events.attendees import Attendee, NewAttendee
from persistence.events.catalog import Catalog
from server.events.attendees.service import RegistrationService
from tests.post_office import PostOffice, text_of

pytestmark = pytest.mark.postgres

EVENT = Settings(
    name="A talk",
    sale_state="on_sale",
    starts_at_ms=4_000_000_000_000,
    registration="open",
)
DUE = "UPDATE mail SET due_at = now()"


@pytest.fixture
def office() -> Iterator[PostOffice]:
    office = PostOffice().open()
    yield office
    office.close()


async def registered(counter: Any, locale: str = "") -> tuple[Any, Attendee]:
    """Register somebody for a free event; return who did it, and the registration."""
    pool = counter.shop.pool
    await Catalog(pool).create_event(
        "free", EVENT, capacity=3, created_by="usr", request_hash=b""
    )
    new = NewAttendee(
        "att", "free", "olga@example.org", "Olga", "usr", b"", locale=locale
    )
    service = RegistrationService(pool, counter.shop.registry)
    return service, await service.register(new, str)


async def make_tickets(counter: Any) -> None:
    while (await counter.passes.step(counter.tickets, "free")).versions:
        pass


def files_of(mail: Any) -> list[str]:
    return [part.get_content_type() for part in mail.iter_attachments()]


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en-GB", "Your ticket comes with this mail: show it at the door."),
        ("de", "Ihr Ticket ist dabei: Zeigen Sie es am Einlass."),
    ],
)
async def test_it_waits_for_the_ticket_and_carries_it(counter, office, locale, told):
    await registered(counter, locale)
    sender = counter.sender(office.url)
    await sender.send_due()
    # Its follower has not come so far.
    assert office.mails == []
    (row,) = await counter.shop.pool.fetch(
        "SELECT attempts, reason, sent_at, failed_at, due_at < now() + interval '2 s'"
        " AS soon FROM mail"
    )
    assert tuple(row.values()) == (1, "Its ticket is being made.", None, None, True)
    assert sender.status == "ok"
    await make_tickets(counter)
    await counter.shop.pool.fetch(DUE)
    await sender.send_due()
    (mail,) = office.mails
    assert files_of(mail) == ["text/calendar", "application/pdf"]
    assert told in " ".join(text_of(mail).split())
    (row,) = await counter.shop.pool.fetch("SELECT number FROM ticket")
    *_, pdf = mail.iter_attachments()
    assert pdf.get_filename() == f"ticket-{row['number']}.pdf"
    assert pdf.get_content().startswith(b"%PDF-")


async def test_who_left_before_gets_no_ticket_and_the_mail_all_the_same(
    counter, office
):
    service, attendee = await registered(counter)
    await service.cancel(attendee, late=True)
    await counter.sender(office.url).send_due()
    (mail,) = office.mails
    assert files_of(mail) == ["text/calendar"]
    assert "Your ticket" not in text_of(mail)


async def test_a_ticket_that_lets_nobody_in_is_left_out(counter, office):
    service, attendee = await registered(counter)
    await make_tickets(counter)
    await service.cancel(attendee, late=True)
    await make_tickets(counter)
    await counter.sender(office.url).send_due()
    (mail,) = office.mails
    assert files_of(mail) == ["text/calendar"]
