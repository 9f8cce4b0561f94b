"""The mails that organisations send.

Of what somebody typed in nothing stands in an invitation, not even the organisation's
name: else anybody could have us send anything to anybody. An announcement is such a
text, and goes only to those who joined or who bought.
"""

from typing import Final

from msgspec import Struct

from persistence.mail import Mail
from server.transport.mail.codes import hash_of_code, link_with, new_code, new_mail_id

INVITATION_S: Final = 7 * 86_400
NOTICE_S: Final = 86_400

INVITED: Final = """\
Somebody invites you to an organisation that sells tickets here. Who it is, you see
before you accept.

{use}:

    {code}

It is good once, within a week. If you expect no invitation, do nothing.
"""
ACCEPTED: Final = """\
Your request to join an organisation was accepted: you are a member now.
"""
DECLINED: Final = """\
Your request to join an organisation was declined.
"""
TO_MEMBERS: Final = """

--
You get this as a member of {organisation}.
"""
TO_HOLDERS: Final = """

--
{organisation} sends this to everybody who has tickets for {event}.
"""


class InvitationMail(Struct, frozen=True):
    """A mail with the code of an invitation, and the digest that is stored of it."""

    mail: Mail
    code_hash: bytes


class OrganisationMails:
    """Writes mails; `public_url` is where our pages are, if links lead there."""

    def __init__(self, public_url: str | None) -> None:
        self._public_url = public_url

    def invitation(self, email: str) -> InvitationMail:
        """Invite somebody."""
        code = new_code()
        use, shown = "With an account of this address, accept it with this code", code
        if self._public_url is not None:
            use = "To see it, open"
            shown = link_with(self._public_url, "invitation", code)
        body = INVITED.format(use=use, code=shown)
        mail = Mail(new_mail_id(), "", email, "You are invited", body, INVITATION_S)
        return InvitationMail(mail, hash_of_code(code))

    def accepted(self, user: str, email: str) -> Mail:
        """Tell somebody that a request to join was accepted."""
        subject = "Your request was accepted"
        return Mail(new_mail_id(), user, email, subject, ACCEPTED, NOTICE_S)

    def declined(self, user: str, email: str) -> Mail:
        """Tell somebody that a request to join was declined."""
        subject = "Your request was declined"
        return Mail(new_mail_id(), user, email, subject, DECLINED, NOTICE_S)


def footer_of(organisation: str, event: str | None) -> str:
    """Return what an announcement's mails end with: who sends them, why to these."""
    if event is None:
        return TO_MEMBERS.format(organisation=organisation)
    return TO_HOLDERS.format(organisation=organisation, event=event)
