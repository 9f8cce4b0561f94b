"""The mails that people with an account get, and the codes in them.

Nothing that somebody typed in stands in a mail: else anybody could have us send
anything to anybody. A link has its code behind a `#`, so that no server logs it.
"""

from typing import Final

from msgspec import Struct

from persistence.mail import Code, LetterKind, Mail, Purpose
from persistence.people.accounts import Account
from server.people.auth.lifetimes import RESET_S, VERIFY_S
from server.transport.mail.codes import hash_of_code, new_code, new_mail_id

NOTICE_S: Final = 86_400
"""How long it is worth telling somebody what has been done."""


class AccountMail(Struct, frozen=True):
    """A mail with a code, and the digest by which the code is known again."""

    mail: Mail
    code: Code


def verify_mail(user: str, email: str) -> AccountMail:
    """Ask whether an address is somebody's."""
    return _with_code(user, email, "verify", "verify_email", VERIFY_S)


def reset_mail(account: Account) -> AccountMail:
    """Let somebody choose a new password."""
    user, email = account.user_id, account.email
    return _with_code(user, email, "reset", "reset_password", RESET_S)


def welcome_mail(account: Account) -> AccountMail:
    """Let somebody choose the first password of an account made for them."""
    user, email = account.user_id, account.email
    return _with_code(user, email, "reset", "account_made", VERIFY_S)


def new_password_mail(account: Account) -> Mail:
    """Tell somebody that the password was changed."""
    return _notice(account, "password_changed")


def asked_to_move_mail(account: Account) -> Mail:
    """Tell the address of today that another is to take its place."""
    return _notice(account, "email_asked")


def new_address_mail(account: Account) -> Mail:
    """Tell the former address that it is not used any more."""
    return _notice(account, "email_changed")


def _notice(account: Account, kind: LetterKind) -> Mail:
    user, email = account.user_id, account.email
    return Mail(new_mail_id(), user, email, kind, {}, NOTICE_S)


def _with_code(
    user: str, email: str, purpose: Purpose, kind: LetterKind, lasts_s: int
) -> AccountMail:
    code = new_code()
    return AccountMail(
        Mail(new_mail_id(), user, email, kind, {"code": code}, lasts_s),
        Code(hash_of_code(code), user, purpose, email, lasts_s),
    )
