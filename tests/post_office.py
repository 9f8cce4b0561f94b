"""A real SMTP server that keeps what it is given, or refuses it."""

import asyncio
import email
from email.message import EmailMessage
from email.policy import default
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 taken"
WAIT_S = 60.0


class PostOffice:
    """Listens at `port` in a thread of its own between `open` and `close`."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        """To whom those were, on their envelopes."""
        self.answer = OK
        """What each recipient is answered."""
        self.port = 0
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def open(self) -> "PostOffice":
        self._controller = _AnyPort(self, hostname="127.0.0.1", port=0)
        self._controller.start()
        self.port = self._controller.port
        return self

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop(no_assert=True)

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        _: object,
    ) -> str:
        """Decide about a recipient."""
        if self.answer == OK:
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail."""
        content = cast(bytes, envelope.content)
        mail = email.message_from_bytes(content, policy=default)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return OK

    async def mail_to(self, address: str, subject: str, after: int = 0) -> EmailMessage:
        """Wait for a mail whose subject begins so among those after the first few."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for mail in self.mails[after:]:
                    if mail["To"].lower() == address.lower() and mail[
                        "Subject"
                    ].startswith(subject):
                        return mail
                await asyncio.sleep(0.02)


def text_of(mail: EmailMessage) -> str:
    """Return what a mail says to who reads no HTML."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


class _AnyPort(Controller):
    """A controller at whichever port is free."""

    def _trigger_server(self) -> None:
        # It connects to see whether the server answers.
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
