"""What the letter says: pure text, in plain words.

Nothing that the buyer typed in stands in it: else anybody could have us send anything
to anybody. What an organiser calls an event is written as words that are no link.
"""

from collections.abc import Iterator
from typing import Final

from inventory.money import text_of
from inventory.settings import Money
from persistence.events.rows import EventRow
from persistence.mail import Attachment, Mail
from persistence.shop.confirmations import BoughtLine, BoughtTicket, Confirmed
from server.events.catalogue.calendar.icalendar import encode_calendar
from server.events.catalogue.calendar.rest import MEDIA_TYPE, calendar_of
from server.shop.orders.opening.mails import link_of
from server.transport.mail.words import harmless, told_time

LASTS_S: Final = 3 * 86_400
"""How long it is tried to send it."""

SUBJECT_LENGTH_MAX: Final = 150
LINES_MAX: Final = 100
"""So many seats and tickets are told one by one; a mail is no list of a thousand."""

CALENDAR_NAME: Final = "event.ics"


def calendar_file(event: EventRow) -> Attachment:
    """Return the file for calendars: one for all letters about an event."""
    text = encode_calendar(calendar_of(event)).decode()
    return Attachment(CALENDAR_NAME, MEDIA_TYPE, text)


def confirmation(
    bought: Confirmed,
    event: EventRow,
    calendar: Attachment,
    public_url: str | None,
    secret: str,
) -> Mail:
    """Return the letter about what was bought.

    It is named for the order, or for the booking where there is none: so there is one,
    and where it comes twice, both have one Message-ID. `public_url` is where our pages
    are; without one there are no links. With its `secret` that to an order opens it.
    """
    name = harmless(event.settings.name)
    subject = f"Your tickets: {name}"
    if len(subject) > SUBJECT_LENGTH_MAX:
        subject = f"{subject[: SUBJECT_LENGTH_MAX - 1]}…"
    return Mail(
        f"mail_{bought.order or bought.booking}",
        bought.user,
        bought.recipient,
        subject,
        "\n".join(_paragraphs(bought, event, name, public_url, secret)),
        LASTS_S,
        (calendar,),
    )


def _paragraphs(
    bought: Confirmed, event: EventRow, name: str, public_url: str | None, secret: str
) -> Iterator[str]:
    what = "booking" if bought.order is None else "order"
    yield f"Your {what} {bought.reference} is confirmed."
    yield ""
    yield name
    if event.venue_name:
        yield harmless(event.venue_name)
    yield told_time(event.settings.starts_at_ms, event.settings.timezone)
    yield ""
    currency = None if bought.total is None else bought.total.currency
    yield from _cut([_line(one, currency) for one in bought.lines])
    if bought.total is not None:
        yield f"Total: {text_of(bought.total)}"
        if event.settings.payment == "none" and bought.total.amount:
            yield "It is to be paid at the door."
    base = None if public_url is None else public_url.rstrip("/")
    if bought.tickets:
        yield ""
        yield "Your tickets:"
        yield from _cut([_ticket(one, base) for one in bought.tickets])
    if base is not None and bought.order is not None:
        yield ""
        yield "All of it is at"
        yield f"  {link_of(base, bought.order, secret)}"
        yield "Who has this link has the tickets, and may cancel the order: keep it."


def _line(one: BoughtLine, currency: str | None) -> str:
    told = harmless(one.label)
    if one.quantity > 1:
        told = f"{one.quantity} x {told}"
    if one.category and one.category != one.label:
        told = f"{told} ({harmless(one.category)})"
    if one.amount is not None and currency is not None:
        told = f"{told}: {text_of(Money(one.amount, currency))}"
    return f"- {told}"


def _ticket(one: BoughtTicket, base: str | None) -> str:
    told = f"- {one.number}, {harmless(one.label)}"
    return told if base is None else f"{told}\n  {base}/tickets/{one.ticket}"


def _cut(told: list[str]) -> list[str]:
    if len(told) <= LINES_MAX:
        return told
    return [*told[:LINES_MAX], f"- and {len(told) - LINES_MAX} more"]
