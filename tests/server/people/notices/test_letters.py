"""What a buyer is told from the purchase to the end, as a real SMTP server got it.

In each language, by the clocks of an event in Berlin in summer and in winter, wherever
this machine stands.
"""

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from msgspec.structs import replace

from inventory.changes import EventConfigured, SaleChanged
from persistence.people.notices.rounds import Rounds, put_moved
from server.people.notices.job import RoundsJob
from server.shop.orders.facts import GiveBack, Goodwill
from server.shop.orders.giving.giver import Giver
from server.shop.payments.gateway.wire import Behaviour
from tests.post_office import PostOffice, text_of
from tests.server.people.notices.test_job import HOUR_MS, begins_in, follow
from tests.server.shop.orders.giving.test_giver import give

pytestmark = pytest.mark.postgres

SUMMER_MS = 1_814_464_800_000
WINTER_MS = 1_800_000_000_000
IN_GERMAN = {
    "order_confirmed": ("Ihre Tickets: Konzert", "Bestellung REF1 ist bestätigt."),
    "order_cancelled": ("Storniert: Konzert", "REF1 wurde zum Teil storniert."),
    "refund_sent": ("20,00 € sind auf dem Weg zurück", "haben wir 20,00 € zurück"),
    "refund_failed": (
        "10,00 € konnten noch nicht zurückgezahlt werden",
        "schulden wir Ihnen 10,00 €",
    ),
    "event_changed": ("Neue Zeit: Konzert", "findet zu einer anderen Zeit statt."),
    "place": ("Neuer Ort: Konzert", "findet an einem anderen Ort statt"),
    "reminder": ("Bald: Konzert", "Dafür haben Sie Tickets."),
    "event_cancelled": ("Abgesagt: Konzert", "findet nicht statt."),
}
IN_ENGLISH = {
    "order_confirmed": ("Your tickets: Konzert", "Your order REF1 is confirmed."),
    "order_cancelled": ("Cancelled: Konzert", "REF1 was cancelled in part."),
    "refund_sent": ("€20.00 are on their way back", "we returned €20.00"),
    "refund_failed": ("We could not return €10.00 yet", "we owe you €10.00"),
    "event_changed": ("New time: Konzert", "takes place at another time."),
    "place": ("New place: Konzert", "takes place somewhere else"),
    "reminder": ("Soon: Konzert", "This is what you have tickets for."),
    "event_cancelled": ("Cancelled: Konzert", "does not take place."),
}
FILES = {
    "order_confirmed": ["text/calendar", *["application/pdf"] * 3],
    "event_changed": ["text/calendar"],
    "place": ["text/calendar"],
    "event_cancelled": ["text/calendar"],
}


@pytest.fixture
def office() -> Iterator[PostOffice]:
    office = PostOffice().open()
    yield office
    office.close()


async def happen(counter: Any, locale: str, starts_ms: int) -> Any:
    """Let all happen of which a buyer is told; yield what that was, each time."""
    shop = counter.shop
    order = await shop.priced(3)
    await shop.pool.fetch(
        "UPDATE orders SET buyer = buyer || jsonb_build_object('locale', $1::text)",
        locale,
    )
    await shop.pool.fetch(
        "UPDATE event SET venue_name = 'Alte Halle', settings = settings ||"
        " jsonb_build_object('name', 'Konzert', 'timezone', 'Europe/Berlin',"
        " 'starts_at_ms', $1::bigint)",
        starts_ms,
    )
    await shop.pay(order)
    await shop.deliver()
    await shop.settle()
    await counter.follow()
    yield "order_confirmed"
    giver = Giver(shop.pool, shop.desk)
    await give(shop, giver, order, GiveBack((2,), by="manager"))
    yield "order_cancelled", "refund_sent"
    shop.book.treat(await shop.ref(order), Behaviour(refunds="fail"))
    await give(shop, giver, order, Goodwill("rfd_g", 1_000))
    yield "refund_failed"
    job = RoundsJob(Rounds(shop.pool), 24)
    settings = (await shop.registry.find("evt")).board.settings
    now = replace(settings, timezone="Europe/Berlin", starts_at_ms=starts_ms)
    await follow(counter, EventConfigured(replace(now, starts_at_ms=HOUR_MS)))
    await job.run()
    yield "event_changed"
    async with shop.pool.transaction() as connection:
        venue = await connection.fetchval("SELECT venue_id FROM event")
        await put_moved(connection, venue, 1)
    await job.run()
    yield "place"
    await begins_in(counter, 23)
    await job.run()
    yield "reminder"
    await follow(counter, SaleChanged("cancelled"))
    await job.run()
    yield "event_cancelled"


@pytest.mark.parametrize(
    ("locale", "told", "starts_ms", "clock"),
    [
        (
            "de-DE",
            IN_GERMAN,
            SUMMER_MS,
            "Donnerstag, 1. Juli 2027, 20:00 CEST (Europe/Berlin)",
        ),
        (
            "en-GB",
            IN_ENGLISH,
            WINTER_MS,
            "Friday, 15 January 2027, 09:00 CET (Europe/Berlin)",
        ),
    ],
    ids=["German in summer", "English in winter"],
)
async def test_a_buyers_story_in_mails(
    counter, office, locale, told, starts_ms, clock, monkeypatch
):
    monkeypatch.setenv("TZ", "America/New_York")
    sender = counter.sender(office.url)
    async for happened in happen(counter, locale, starts_ms):
        seen = len(office.mails)
        await sender.send_due()
        kinds = [happened] if isinstance(happened, str) else [*happened]
        mails = {plain(mail["Subject"]): mail for mail in office.mails[seen:]}
        assert len(office.mails) == seen + len(kinds)
        for kind in kinds:
            subject, sentence = told[kind]
            mail = mails[subject]
            said = plain(text_of(mail))
            assert sentence in said
            assert f"Konzert Alte Halle {clock}" in said
            assert mail["To"] == "olga@example.org"
            check_page(mail, locale[:2], clock)
            files = [part.get_content_type() for part in mail.iter_attachments()]
            assert files == FILES.get(kind, [])


def plain(text: str) -> str:
    """Return a text with a blank where any are."""
    return " ".join(str(text).split())


def check_page(mail: EmailMessage, language: str, clock: str) -> None:
    """Check that the HTML says the same, of the same place and time."""
    body = mail.get_body(("html",))
    assert body is not None
    html = body.get_content()
    assert f'<html lang="{language}">' in html
    assert f"Alte Halle<br>\n{clock}" in html.replace("\r\n", "\n")
