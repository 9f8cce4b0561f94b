"""The mails that people with an account get, and the codes in them.

Nothing that somebody typed in stands in a mail: else anybody could have us send
anything to anybody. A link has its code behind a `#`, so that no server logs it.
"""

from typing import Final

from msgspec import Struct

from persistence.mail import Code, Mail, Purpose
from persistence.people.accounts import Account
from server.people.auth.lifetimes import RESET_S, VERIFY_S
from server.transport.mail.codes import hash_of_code, link_with, new_code, new_mail_id

NOTICE_S: Final = 86_400
"""How long it is worth telling somebody what has been done."""

WITH_CODE: Final = """\
{what}

{use}:

    {code}

{until} If it was not you, do nothing:
without the code nothing happens.
"""
VERIFY: Final = "Somebody, we hope you, gave this address for an account."
RESET: Final = "Somebody, we hope you, forgot the password of your account."
WELCOME: Final = "There is an account for you now: choose its password."
NEW_PASSWORD: Final = """\
The password of your account was changed, and all sessions were ended.

If it was not you, ask for a new password now.
"""
ASKED_TO_MOVE: Final = """\
Your account is to have another email address. Until that one is confirmed,
this one stays.

If it was not you, ask for a new password now: then this one stays for good.
"""
NEW_ADDRESS: Final = """\
Your account has another email address now. This one is used no more.

If it was not you, tell whoever sells your tickets.
"""


class AccountMail(Struct, frozen=True):
    """A mail with a code, and the digest by which the code is known again."""

    mail: Mail
    code: Code


class AccountMails:
    """Writes mails; `public_url` is where our pages are, if links lead there."""

    def __init__(self, public_url: str | None) -> None:
        self._public_url = public_url

    def verify(self, user: str, email: str) -> AccountMail:
        """Ask whether an address is somebody's."""
        subject = "Confirm your email address"
        until = "It is good for three days."
        return self._with_code(user, email, "verify", subject, VERIFY, until, VERIFY_S)

    def reset(self, account: Account) -> AccountMail:
        """Let somebody choose a new password."""
        user, email, subject = account.user_id, account.email, "Choose a new password"
        until = "It is good once, within an hour."
        return self._with_code(user, email, "reset", subject, RESET, until, RESET_S)

    def welcome(self, account: Account) -> AccountMail:
        """Let somebody choose the first password of an account made for them."""
        user, email, subject = account.user_id, account.email, "Your account"
        until = "It is good once, within three days."
        return self._with_code(user, email, "reset", subject, WELCOME, until, VERIFY_S)

    def new_password(self, account: Account) -> Mail:
        """Tell somebody that the password was changed."""
        return self._notice(account, "Your password was changed", NEW_PASSWORD)

    def asked_to_move(self, account: Account) -> Mail:
        """Tell the address of today that another is to take its place."""
        subject = "Your email address is to be changed"
        return self._notice(account, subject, ASKED_TO_MOVE)

    def new_address(self, account: Account) -> Mail:
        """Tell the former address that it is not used any more."""
        return self._notice(account, "Your email address was changed", NEW_ADDRESS)

    def _notice(self, account: Account, subject: str, text: str) -> Mail:
        return Mail(
            new_mail_id(), account.user_id, account.email, subject, text, NOTICE_S
        )

    def _with_code(
        self,
        user: str,
        email: str,
        purpose: Purpose,
        subject: str,
        what: str,
        until: str,
        lasts_s: int,
    ) -> AccountMail:
        code = new_code()
        use, shown = "If it was you, this is your code", code
        if self._public_url is not None:
            use = "If it was you, open"
            shown = link_with(self._public_url, purpose, code)
        body = WITH_CODE.format(what=what, use=use, code=shown, until=until)
        return AccountMail(
            Mail(new_mail_id(), user, email, subject, body, lasts_s),
            Code(hash_of_code(code), user, purpose, email, lasts_s),
        )
