"""One of several machines: `python -m … DATABASE SMTP`; it begins at a line of input.

It reminds whom it is time for, in slices of one, and sends what mails there are.
"""

import asyncio
import sys

from persistence.events.catalog import Catalog
from persistence.mail import Outbox
from persistence.people.notices import rounds
from persistence.people.notices.rounds import Rounds
from persistence.postgres.pool import Pool
from server.people.notices.composer import NoticeComposer
from server.people.notices.job import RoundsJob
from server.transport.mail.sender import MailSender


async def main(database: str, smtp: str) -> None:
    """Remind and send, once."""
    rounds.SLICE = 1  # type: ignore[misc]
    pool = await Pool.open(database)
    sender = MailSender(Outbox(pool), smtp, "tickets@example.org")
    sender.composer = NoticeComposer(Catalog(pool), None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    await RoundsJob(Rounds(pool), 24).run()
    while await sender.send_due():
        pass
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
