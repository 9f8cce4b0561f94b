"""The mail that an attendee gets.

Nothing that somebody typed in stands in it: else anybody could have us send anything to
anybody.
"""

from typing import Final

from msgspec import Struct

from inventory.settings import Settings
from persistence.events.attendees import Attendee
from persistence.mail import Mail
from server.transport.mail.codes import hash_of_code, link_with, new_code, new_mail_id
from server.transport.mail.words import told_time

LASTS_S: Final = 3 * 86_400
"""How long it is tried to send it."""

REGISTERED: Final = """\
You are registered for an event that begins on {starts}.

Your reference is {reference}.

{use}:

    {code}

Whoever has it can cancel. If it was not you who registered, please do so.
"""


class AttendeeMail(Struct, frozen=True):
    """A mail with the code that cancels, and the digest that is stored of it."""

    mail: Mail
    code_hash: bytes


class AttendeeMails:
    """Writes mails; `public_url` is where our pages are, if links lead there."""

    def __init__(self, public_url: str | None) -> None:
        self._public_url = public_url

    def registered(
        self, attendee: Attendee, reference: str, event: Settings
    ) -> AttendeeMail:
        """Tell somebody that there is a place for them."""
        code = new_code()
        use, shown = "If you cannot come, cancel with this code", code
        if self._public_url is not None:
            use = "If you cannot come, open"
            shown = link_with(self._public_url, "registration", code)
        body = REGISTERED.format(
            starts=told_time(event.starts_at_ms, event.timezone),
            reference=reference,
            use=use,
            code=shown,
        )
        mail = Mail(
            new_mail_id(),
            attendee.attendee_id,
            attendee.email,
            "You are registered",
            body,
            LASTS_S,
        )
        return AttendeeMail(mail, hash_of_code(code))
