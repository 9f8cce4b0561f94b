"""The mail that an attendee gets.

Nothing that who registered typed in stands in it: else anybody could have us send
anything to anybody.
"""

from typing import Final

from msgspec import Struct

from persistence.events.attendees import Attendee
from persistence.mail import Mail
from server.transport.mail.codes import hash_of_code, new_code, new_mail_id

LASTS_S: Final = 3 * 86_400
"""How long it is tried to send it."""


class AttendeeMail(Struct, frozen=True):
    """A mail with the code that cancels, and the digest that is stored of it."""

    mail: Mail
    code_hash: bytes


def registered_mail(attendee: Attendee, booking: str, reference: str) -> AttendeeMail:
    """Tell somebody that there is a place for them, with the event for calendars.

    Their ticket goes along: it is made a moment later, of the booking.
    """
    code = new_code()
    mail = Mail(
        new_mail_id(),
        attendee.attendee_id,
        attendee.email,
        "registered",
        {"reference": reference, "code": code},
        LASTS_S,
        attendee.locale,
        attendee.event_id,
        (f"calendar:{attendee.event_id}", f"booked:{booking}"),
    )
    return AttendeeMail(mail, hash_of_code(code))
