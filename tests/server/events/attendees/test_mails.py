"""The mail of a registration."""

from datetime import UTC, datetime

from persistence.events.attendees import Attendee
from server.events.attendees.mails import registered_mail
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
    locale="de-AT",
)


def test_a_mail_has_the_code_whose_digest_is_stored_and_nothing_that_was_typed():
    message = registered_mail(OLGA, "bkg_1", "K7QX2M")
    mail = message.mail
    assert len(mail.data["code"]) >= 43
    assert hash_of_code(mail.data["code"]) == message.code_hash
    assert (mail.recipient, mail.user_id) == ("olga@example.org", "att_1")
    assert (mail.locale, mail.event_id) == ("de-AT", "evt")
    assert mail.files == ("calendar:evt", "booked:bkg_1")
    assert mail.data["reference"] == "K7QX2M"
    assert "Olga" not in str(mail.data)
