"""A process that sends mails and dies: `python -m … DATABASE SMTP STEP`.

It dies as by `kill -9`, before or after one of the things that it does.
"""

import asyncio
import os
import signal
import sys
from typing import Any, Final, cast

from persistence.mail import Outbox, TakenMail
from persistence.postgres.pool import Pool
from server.people.notices.composer import NoticeComposer
from server.transport.mail.composed import Composed
from server.transport.mail.sender import MailSender

STEPS: Final = ("taken", "composed", "delivered", "noted")


class Doomed(Outbox):
    """Ends its process at a step, of the first mail."""

    def __init__(self, pool: Pool, step: str) -> None:
        super().__init__(pool)
        self._step = step

    async def take(self) -> list[TakenMail]:
        """Take, and perhaps no more."""
        taken = await super().take()
        self.reach("taken")
        return taken

    async def sent(self, mail_id: str) -> None:
        """Note, perhaps not before the end, perhaps as the last thing."""
        self.reach("delivered")
        await super().sent(mail_id)
        self.reach("noted")

    def reach(self, step: str) -> None:
        """End here, if it is the step."""
        if step == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


class DoomedComposer(NoticeComposer):
    """Puts in words as the last thing, perhaps."""

    def __init__(self, outbox: Doomed) -> None:
        super().__init__(cast(Any, None), None)
        self._outbox = outbox

    async def compose(self, mail: TakenMail) -> Composed:
        """Return what a mail says, perhaps."""
        composed = await super().compose(mail)
        self._outbox.reach("composed")
        return composed


async def main(database: str, smtp: str, step: str) -> None:
    """Send until that step."""
    outbox = Doomed(await Pool.open(database), step)
    sender = MailSender(outbox, smtp, "tickets@example.org")
    sender.composer = DoomedComposer(outbox)
    await sender.send_due()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
