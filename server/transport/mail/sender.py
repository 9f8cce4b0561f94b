"""Sends what is in the outbox, by SMTP; without a server's address nothing is sent.

A mail that cannot be sent now is tried again, later each time, until it is too late for
it; one that the other side refuses for good is not. Addresses and texts are in no log.
"""

import asyncio
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import structlog
from aiohttp import web

from persistence.errors import Unavailable
from persistence.mail import TAKEN_MAX, TAKEN_S, Outbox, TakenMail
from persistence.people.addresses import in_ascii_domain
from server.base.jobs import Job
from server.transport.mail.composed import Composed, Composer, File, NotYet

if TYPE_CHECKING:
    import aiosmtplib

    from persistence.bounces import Bounces

POLL_S: Final = 2.0
FORGET_S: Final = 3_600.0
SMTP_S_MAX: Final = 20.0
"""How long one step of a conversation with the other side may take."""

BATCH_S_MAX: Final = TAKEN_S / 2
"""What was not sent by then is left for the next time: others may take it soon."""

SOON_S: Final = 1.0
"""After that it is looked first whether what a mail carries was made meanwhile."""

REASON_LENGTH_MAX: Final = 500
STOPPED: Final = "Mails to this address came back, so none is sent there any more."
REFUSED: Final = 500
"""From this reply code on a refusal is for good."""

log = structlog.get_logger()


class Refused(Exception):
    """The other side will never take this mail; the message says why."""


class MailSender:
    """Takes mails from the outbox and sends them."""

    def __init__(self, outbox: Outbox, url: str | None, sender: str | None) -> None:
        self.status = "off" if url is None else "ok"
        """off, ok, or degraded: the last mail could not be sent."""
        self.composer: Composer | None = None
        """Puts mails in words that have a kind; set before the first is sent."""
        self.bounces: Bounces | None = None
        """Knows addresses to which none is sent any more; set likewise."""
        self.tried_at: datetime | None = None
        """When it was tried last."""
        self._kind = ""
        """What the last mail that could not be sent met."""
        self._outbox = outbox
        self._url = url
        self._sender = _in_ascii_domain(sender or "")

    async def run(self, job: Job) -> None:
        """Send whatever is due, and delete what is long over, for ever."""
        forgot_s = -FORGET_S
        while True:
            busy = False
            try:
                with job:
                    if self._url is not None:
                        taken = await self.send_due()
                        busy = taken == TAKEN_MAX and self.status == "ok"
                    if time.monotonic() - forgot_s >= FORGET_S:
                        await self._outbox.forget()
                        forgot_s = time.monotonic()
            except Unavailable as error:
                log.warning("the outbox cannot be read", reason=str(error))
            if not busy:
                await asyncio.sleep(POLL_S)

    def health(self) -> dict[str, object]:
        """Return what the health page shows: how the last try went."""
        part: dict[str, object] = {"status": self.status, "tried_at": None}
        if self.tried_at is not None:
            part["tried_at"] = self.tried_at.isoformat(timespec="microseconds")
        if self.status == "degraded":
            part["problems"] = [f"The last mail could not be sent: {self._kind}."]
        return part

    async def send_due(self) -> int:
        """Send what is due now; return how many mails that were. Raises `Unavailable`.

        With as many as `TAKEN_MAX` there may be more.
        """
        mails = await self._outbox.take()
        if not mails:
            return 0
        stopped: set[str] = set()
        if self.bounces is not None:
            stopped = await self.bounces.stopped([one.recipient for one in mails])
        # Here, because most processes never send a mail.
        import aiosmtplib

        client = aiosmtplib.SMTP(**self._settings())
        ends = time.monotonic() + BATCH_S_MAX
        try:
            for mail in mails:
                if time.monotonic() > ends:
                    break
                await self._send(client, mail, stopped)
        finally:
            client.close()
        return len(mails)

    async def _send(
        self, client: "aiosmtplib.SMTP", mail: TakenMail, stopped: set[str]
    ) -> None:
        if mail.recipient in stopped:
            log.info("an address has stopped", mail=mail.mail_id)
            await self._outbox.failed(mail.mail_id, STOPPED)
            return
        try:
            composed = await self._compose(mail)
        except Unavailable:
            # It stays taken for a while, and is found again.
            raise
        except NotYet as error:
            await self._outbox.later(mail.mail_id, mail.attempts, str(error), SOON_S)
            return
        except Exception as error:
            # It is a fault of ours, and holds up no other mail.
            log.error("a mail has no words", mail=mail.mail_id, exc_info=error)
            reason = f"It could not be written: {type(error).__name__}."
            await self._outbox.later(mail.mail_id, mail.attempts, reason)
            return
        try:
            await self._deliver(client, mail, composed)
        except Refused as error:
            # The other side is well, and so are we: it answered.
            self._note("ok")
            log.warning("a mail was refused", mail=mail.mail_id)
            await self._outbox.failed(mail.mail_id, str(error)[:REASON_LENGTH_MAX])
        except (OSError, TimeoutError) as error:
            kind = self._kind = type(error).__name__
            self._note("degraded")
            log.warning("a mail could not be sent", mail=mail.mail_id, kind=kind)
            reason = f"{kind}: {error}"[:REASON_LENGTH_MAX]
            await self._outbox.later(mail.mail_id, mail.attempts, reason)
        else:
            self._note("ok")
            await self._outbox.sent(mail.mail_id)
            log.info("sent a mail", mail=mail.mail_id)

    def _note(self, status: str) -> None:
        self.status, self.tried_at = status, datetime.now(UTC)

    async def _compose(self, mail: TakenMail) -> Composed | None:
        """Put a mail in words; None where it is written already."""
        if mail.kind is None:
            return None
        if self.composer is None:
            raise RuntimeError("nobody puts mails in words")
        return await self.composer.compose(mail)

    async def _deliver(
        self, client: "aiosmtplib.SMTP", mail: TakenMail, composed: Composed | None
    ) -> None:
        """Hand one mail over. Raises `Refused`, and OSError for what may pass."""
        import aiosmtplib

        try:
            if not client.is_connected:
                await client.connect()
        except (aiosmtplib.SMTPException, ValueError) as error:
            raise ConnectionError(str(error)) from error
        try:
            await client.send_message(self._message(mail, composed))
        except aiosmtplib.SMTPRecipientsRefused as error:
            (one,) = error.recipients
            _refuse(one.code, one.message)
        except aiosmtplib.SMTPDataError as error:
            _refuse(error.code, error.message)
        except (aiosmtplib.SMTPNotSupported, UnicodeError, ValueError) as error:
            raise Refused(f"no mail can be sent to this address: {error}") from error
        except aiosmtplib.SMTPException as error:
            raise ConnectionError(str(error)) from error

    def _message(self, mail: TakenMail, composed: Composed | None) -> EmailMessage:
        recipient = in_ascii_domain(mail.recipient)
        # What stands before the @ has no other spelling: few servers take such.
        message = EmailMessage(SMTP if recipient.isascii() else SMTPUTF8)
        message["From"] = self._sender
        message["To"] = recipient
        message["Subject"] = mail.subject if composed is None else composed.subject
        message["Date"] = format_datetime(mail.created_at)
        domain = parseaddr(self._sender)[1].rpartition("@")[2] or "onsale.invalid"
        # The same each time, so that one that comes twice is known to be one.
        message["Message-ID"] = f"<{mail.mail_id}@{domain}>"
        # Nobody's holiday greeting need answer it (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.body if composed is None else composed.text)
        if composed is not None:
            message.add_alternative(composed.html, subtype="html")
        for one in mail.attachments:
            message.add_attachment(
                one.text,
                subtype=one.media_type.partition("/")[2],
                filename=one.name,
            )
        for file in () if composed is None else composed.files:
            _attach(message, file)
        return message

    def _settings(self) -> dict[str, Any]:
        parts = urlsplit(self._url or "")
        secure = parts.scheme == "smtps"
        name = None if parts.username is None else unquote(parts.username)
        return {
            "hostname": parts.hostname,
            "port": parts.port or (465 if secure else 587),
            "username": name,
            "password": None if parts.password is None else unquote(parts.password),
            "use_tls": secure,
            # A password goes over no line in the open; without one, TLS where offered.
            "start_tls": None if secure or name is None else True,
            "timeout": SMTP_S_MAX,
        }


def _in_ascii_domain(sender: str) -> str:
    address = parseaddr(sender)[1]
    return sender.replace(address, in_ascii_domain(address)) if address else sender


def _attach(message: EmailMessage, file: File) -> None:
    kind, _, subtype = file.media_type.partition("/")
    name = file.name
    if kind == "text":
        # With its character set, which is always the same one.
        text = file.content.decode()
        message.add_attachment(text, subtype=subtype, filename=name)
    else:
        content = file.content
        message.add_attachment(content, maintype=kind, subtype=subtype, filename=name)


def _refuse(code: int, reason: str) -> None:
    if code >= REFUSED:
        raise Refused(f"{code} {reason}")
    raise ConnectionError(f"{code} {reason}")


OUTBOX: Final = web.AppKey("outbox", Outbox)
MAIL_SENDER: Final = web.AppKey("mail sender", MailSender)
