"""A process is killed between any two steps of sending: no mail is lost or changed."""

import asyncio
import signal
import sys

import pytest

from persistence.mail import Outbox
from persistence.postgres.pool import Pool
from tests.persistence.persons import ANNA, accounts_of, mail
from tests.post_office import PostOffice, text_of
from tests.server.transport.mail import doomed
from tests.server.transport.mail.test_sender import sender_to

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("step", doomed.STEPS)
async def test_whoever_comes_after_a_kill_sends_it(database_url, step):
    pool, office = await Pool.open(database_url), PostOffice().open()
    try:
        await accounts_of(pool).create(ANNA, [mail("m1"), mail("m2")])
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", doomed.__name__, database_url, office.url, step)
        )
        assert await child.wait() == -signal.SIGKILL
        gone = [one["Message-ID"] for one in office.mails]
        assert len(gone) == (step in ("delivered", "noted"))
        outbox = Outbox(pool)
        # For a while nobody else has them, and then somebody has.
        assert await outbox.take() == []
        await pool.fetch("UPDATE mail SET due_at = now()")
        await sender_to(outbox, office.url).send_due()
        names = [one["Message-ID"] for one in office.mails]
        # What was not noted comes once more, under the name it had.
        assert sorted({*names}) == ["<m1@example.org>", "<m2@example.org>"]
        assert len(names) == 2 + (step == "delivered")
        assert len({text_of(one) for one in office.mails}) == 1
        assert await outbox.waiting() == 0
    finally:
        office.close()
        await pool.close()
