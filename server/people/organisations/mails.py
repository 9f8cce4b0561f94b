"""The mails that organisations send or get, but for announcements.

They say who invites to what: names that somebody typed in, as words and shortened,
since anybody may invite anybody.
"""

from typing import Final

from msgspec import Struct

from persistence.mail import Mail
from persistence.people.join_requests import JoinRequest
from persistence.people.notices.notices import Notice
from server.transport.mail.codes import hash_of_code, new_code, new_mail_id
from server.transport.mail.words import shortened

INVITATION_S: Final = 7 * 86_400
NOTICE_S: Final = 86_400
NAME_LENGTH_MAX: Final = 60
"""Enough for a name, and for no advertisement."""


class InvitationMail(Struct, frozen=True):
    """A mail with the code of an invitation, and the digest that is stored of it."""

    mail: Mail
    code_hash: bytes


def invitation_mail(email: str, organisation: str, role: str) -> InvitationMail:
    """Invite somebody; who invites is added where that is read."""
    code = new_code()
    data = {
        "code": code,
        "organisation": shortened(organisation, NAME_LENGTH_MAX),
        "role": role,
    }
    mail = Mail(new_mail_id(), "", email, "invitation", data, INVITATION_S)
    return InvitationMail(mail, hash_of_code(code))


def asked_notice(request: JoinRequest, organisation: str) -> Notice:
    """Tell those who lead an organisation of this name that somebody asks to join.

    What was written to them stands with the request.
    """
    return Notice(
        kind="join_requested",
        subject=request.request_id,
        leaders_of=request.organisation_id,
        data={
            "organisation": request.organisation_id,
            "request": request.request_id,
        },
        mail={
            "organisation_name": shortened(organisation, NAME_LENGTH_MAX),
            "asker": shortened(request.name, NAME_LENGTH_MAX),
        },
    )


def accepted_mail(organisation: str, user: str, email: str) -> Mail:
    """Tell somebody that a request to join was accepted."""
    data = {"organisation": shortened(organisation, NAME_LENGTH_MAX)}
    return Mail(new_mail_id(), user, email, "request_accepted", data, NOTICE_S)


def declined_mail(organisation: str, user: str, email: str) -> Mail:
    """Tell somebody that a request to join was declined."""
    data = {"organisation": shortened(organisation, NAME_LENGTH_MAX)}
    return Mail(new_mail_id(), user, email, "request_declined", data, NOTICE_S)
