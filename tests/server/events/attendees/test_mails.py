"""The mail of a registration."""

from datetime import UTC, datetime

import pytest

from inventory.settings import Settings
from persistence.events.attendees import Attendee
from server.events.attendees.mails import AttendeeMails
from server.transport.mail.codes import hash_of_code

OLGA = Attendee(
    attendee_id="att_1",
    event_id="evt",
    email="olga@example.org",
    name="<script>Olga",
    user_id="usr",
    state="pending",
    booking_id=None,
    reference=None,
    request_hash=b"",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    registered_at=None,
    gone_at=None,
)
EVENT = Settings(name="Gala", starts_at_ms=1_798_743_600_000)


def test_a_mail_has_the_code_whose_digest_is_stored():
    message = AttendeeMails(None).registered(OLGA, "K7QX2M", EVENT)
    codes = [line.strip() for line in message.mail.body.splitlines()]
    (code,) = [one for one in codes if hash_of_code(one) == message.code_hash]
    assert len(code) >= 43
    assert (message.mail.recipient, message.mail.user_id) == (
        "olga@example.org",
        "att_1",
    )
    assert "K7QX2M" in message.mail.body
    assert "2026-12-31 19:00 UTC" in message.mail.body
    # What somebody typed in stands in no mail.
    assert "Olga" not in message.mail.body


def test_a_link_has_its_code_where_no_server_logs_it():
    message = AttendeeMails("https://tickets.example/").registered(OLGA, "R", EVENT)
    (link,) = [
        line.strip()
        for line in message.mail.body.splitlines()
        if "tickets.example" in line
    ]
    page, _, code = link.partition("#registration=")
    assert page == "https://tickets.example/account"
    assert hash_of_code(code) == message.code_hash


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("UTC", "on 2026-12-31 19:00 UTC."),
        ("Europe/Berlin", "on 2026-12-31 20:00 CET (Europe/Berlin)."),
        ("Pacific/Auckland", "on 2027-01-01 08:00 NZDT (Pacific/Auckland)."),
    ],
)
def test_the_beginning_is_told_on_the_clocks_where_the_event_is(zone, told):
    event = Settings(name="Gala", starts_at_ms=EVENT.starts_at_ms, timezone=zone)
    message = AttendeeMails(None).registered(OLGA, "R", event)
    assert told in message.mail.body
