"""What the letter says, and what no name that somebody typed in makes of it."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any, cast

import pytest
from msgspec.structs import replace

from inventory.settings import Money, Settings
from persistence.events.rows import Details, EventRow
from persistence.mail import Mail, TakenMail
from persistence.shop.confirmations import BoughtLine, BoughtTicket, Confirmed
from server.shop.confirmations.mails import LINES_MAX, calendar_file, confirmation
from server.transport.mail.sender import MailSender

NOW = datetime(2026, 11, 30, tzinfo=UTC)
EVENT = EventRow(
    event="evt_1",
    venue="ven_1",
    capacity=None,
    settings=Settings(
        name="Night of the Proms",
        starts_at_ms=1_814_464_800_000,
        timezone="Europe/Berlin",
        payment="required",
    ),
    created_by="usr",
    request_hash=b"",
    created_at=NOW,
    starts_at=NOW,
    venue_name="Old Hall",
)
BOUGHT = Confirmed(
    booking="bkg_1",
    order="ord_1",
    user="usr_1",
    recipient="olga@example.org",
    reference="K7M2QX",
    lines=[
        BoughtLine("A-1", "front", 1, 4_650),
        BoughtLine("GA", "GA", 2, 3_000),
        BoughtLine("Fee", "", 1, 100),
    ],
    total=Money(7_750, "EUR"),
    tickets=[BoughtTicket("tkt_1", "ABCDEFGH23", "A-1")],
)
TEXT = """\
Your order K7M2QX is confirmed.

Night of the Proms
Old Hall
2027-07-01 20:00 CEST (Europe/Berlin)

- A-1 (front): 46.50 EUR
- 2 x GA: 30.00 EUR
- Fee: 1.00 EUR
Total: 77.50 EUR

Your tickets:
- ABCDEFGH23, A-1
  https://x.example/tickets/tkt_1

All of it is at
  https://x.example/orders/ord_1#a-secret
Who has this link has the tickets, and may cancel the order: keep it."""
SECRET = "a-secret"


def letter(bought: Confirmed, event: EventRow, public_url: str | None) -> Mail:
    return confirmation(bought, event, calendar_file(event), public_url, SECRET)


def named(name: str, venue: str = "Old Hall", **settings: Any) -> EventRow:
    changed = replace(EVENT.settings, name=name, **settings)
    return replace(EVENT, settings=changed, venue_name=venue)


def sent(mail: Mail) -> Any:
    """Return a mail as it arrives."""
    taken = TakenMail(
        mail.mail_id,
        mail.recipient,
        mail.subject,
        mail.body,
        NOW,
        1,
        mail.attachments,
    )
    sender = MailSender(cast("Any", None), None, "Tickets <tickets@example.org>")
    return message_from_bytes(sender._message(taken).as_bytes(), policy=default)


def test_it_says_what_was_bought_and_where_it_is():
    mail = letter(BOUGHT, EVENT, "https://x.example")
    assert mail.body == TEXT
    assert mail.mail_id == "mail_ord_1"
    assert (mail.user_id, mail.recipient) == ("usr_1", "olga@example.org")
    assert mail.subject == "Your tickets: Night of the Proms"
    (file,) = mail.attachments
    assert (file.name, file.media_type) == ("event.ics", "text/calendar")
    assert "DTSTART;TZID=Europe/Berlin:20270701T200000\r\n" in file.text


def test_without_an_address_of_pages_there_is_no_link():
    mail = letter(BOUGHT, EVENT, None)
    assert "http" not in mail.body
    assert mail.body.endswith("- ABCDEFGH23, A-1")


def test_what_is_paid_at_the_door_is_told():
    event = named("Concert", payment="none")
    assert "at the door" in letter(BOUGHT, event, None).body
    nothing = replace(BOUGHT, total=Money(0, "EUR"))
    assert "at the door" not in letter(nothing, event, None).body


def test_a_booking_without_an_order_or_a_price_is_told_as_that():
    lines = [BoughtLine("A-1", "front", 1, None)]
    free = replace(BOUGHT, order=None, total=None, lines=lines)
    mail = letter(free, EVENT, "https://x.example/")
    assert mail.mail_id == "mail_bkg_1"
    assert mail.body.startswith("Your booking K7M2QX is confirmed.")
    assert "- A-1 (front)\n" in mail.body
    assert "Total" not in mail.body
    assert "/orders/" not in mail.body
    assert "https://x.example/tickets/tkt_1" in mail.body


@pytest.mark.parametrize(
    ("total", "told"),
    [(Money(10_000, "JPY"), "10,000 JPY"), (Money(18_600, "KWD"), "18.600 KWD")],
)
def test_money_has_the_digits_of_its_currency(total, told):
    line = [BoughtLine("A-1", "front", 1, total.amount)]
    mail = letter(replace(BOUGHT, lines=line, total=total), EVENT, None)
    assert f"- A-1 (front): {told}\nTotal: {told}" in mail.body


HOSTILE = (
    "Night\r\nBcc: all@example.net\r\n\r\n<b>Hi</b>",
    "https://evil.example/pay <script>alert(1)</script>",
    "\u202egnp.exe\x00\x1b[2J",
    "Your order 1 is confirmed.\n\nPay again at www.evil.example",
    "{{ 7 * 7 }} %s {0} =?utf-8?q?x?=",
    "ж" * 400,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_adds_a_header_a_line_or_a_link(name):
    """Of an event, its place, or a seat, as whoever runs it typed it in."""
    bought = replace(
        BOUGHT,
        lines=[BoughtLine(name, name, 1, 4_650)],
        tickets=[BoughtTicket("tkt_1", "ABCDEFGH23", name)],
    )
    event = replace(named(name, name), details=Details(description=name))
    mail = letter(bought, event, "https://x.example")
    message = sent(mail)
    plain = sent(letter(BOUGHT, EVENT, "https://x.example"))
    assert message.keys() == plain.keys()
    assert message["To"] == "olga@example.org"
    assert message["Subject"] == mail.subject
    assert len(mail.subject) <= 150
    text = message.get_body(("plain",)).get_content()
    # One line for each, and no other address than ours.
    lines = len(TEXT.splitlines()) - 2
    assert len(text.splitlines()) == lines
    ours = ("https://x.example/tickets/tkt_1", "https://x.example/orders/ord_1")
    for address in ours:
        text = text.replace(address, "")
    assert "://" not in text
    assert "www.evil" not in text
    assert "@example" not in text
    (calendar,) = message.iter_attachments()
    file = calendar.get_content()
    assert file.count("BEGIN:") == mail.attachments[0].text.count("BEGIN:") == 4
    assert not [one for one in file.splitlines() if one.startswith("Bcc")]


def test_of_very_many_the_first_are_told():
    count = LINES_MAX + 7
    many = replace(
        BOUGHT,
        lines=[BoughtLine(f"A-{n}", "front", 1, 100) for n in range(count)],
        tickets=[
            BoughtTicket(f"tkt_{n}", "ABCDEFGH23", f"A-{n}") for n in range(count)
        ],
    )
    body = letter(many, EVENT, None).body
    assert body.count("- and 7 more") == 2
    assert len(body.splitlines()) < 2 * LINES_MAX + 20
