"""A mail in words, and who puts it in them when it is sent."""

from typing import Protocol

from msgspec import Struct

from persistence.mail import TakenMail


class NotYet(Exception):
    """What a mail carries is being made: it is sent a moment later."""


class File(Struct, frozen=True):
    """A file that a mail carries."""

    name: str
    media_type: str
    content: bytes


class Composed(Struct, frozen=True):
    """What a mail says; the HTML says the same as the text."""

    subject: str
    text: str
    html: str
    files: tuple[File, ...] = ()


class Composer(Protocol):
    """Puts mails in words that have a kind."""

    async def compose(self, mail: TakenMail) -> Composed:
        """Return what a mail says.

        Raises `NotYet`, `Unavailable`, and what a template does.
        """
