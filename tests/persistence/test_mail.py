import asyncio

import pytest
from msgspec.structs import replace

from persistence.mail import BACKOFF_S_MIN, Outbox
from tests.persistence.persons import ANNA, accounts_of, code, mail

pytestmark = pytest.mark.postgres


@pytest.fixture
def outbox(store):
    return Outbox(store.pool)


async def put(store, *mails):
    await accounts_of(store.pool).create(ANNA, list(mails))


async def make_due(store):
    await store.pool.fetch("UPDATE mail SET due_at = now()")


async def test_a_mail_is_given_to_one_sender_only(outbox, store):
    await put(store, mail("m1"), mail("m2"))
    taken = await asyncio.gather(*(outbox.take() for _ in range(4)))
    names = [one.mail_id for some in taken for one in some]
    assert sorted(names) == ["m1", "m2"]
    assert await outbox.take() == []
    assert await outbox.waiting() == 2


async def test_a_mail_whose_sender_died_is_given_to_another(outbox, store):
    await put(store, mail("m1"))
    (first,) = await outbox.take()
    await make_due(store)
    (again,) = await outbox.take()
    assert (first.mail_id, first.attempts) == ("m1", 1)
    assert (again.mail_id, again.attempts, again.data) == ("m1", 2, {"code": "secret"})


async def test_of_a_sent_mail_nothing_secret_is_kept(outbox, store):
    await put(store, mail("m1"))
    await outbox.take()
    await outbox.sent("m1")
    await make_due(store)
    assert await outbox.take() == []
    assert await outbox.waiting() == 0
    (row,) = await outbox.newest()
    assert (row["data"], row["sent_at"] is None) == ("{}", False)


async def test_a_mail_that_could_not_be_sent_waits_longer_each_time(outbox, store):
    await put(store, mail("m1"))
    waits = []
    for attempts in (1, 2, 3, 40):
        await outbox.later("m1", attempts, "nobody there")
        row = await store.pool.fetch_one(
            "SELECT extract(epoch FROM due_at - now())::float8 AS wait_s FROM mail"
        )
        waits.append(round(row["wait_s"]))
    assert waits == [BACKOFF_S_MIN, 2 * BACKOFF_S_MIN, 4 * BACKOFF_S_MIN, 3_600]
    assert await outbox.take() == []
    assert (await outbox.newest())[0]["reason"] == "nobody there"


async def test_a_mail_that_nobody_takes_is_not_sent_again(outbox, store):
    await put(store, mail("m1"))
    await outbox.failed("m1", "550 no such mailbox")
    assert await outbox.take() == []
    (row,) = await outbox.newest()
    assert row["reason"] == "550 no such mailbox"


async def test_a_mail_that_comes_too_late_is_not_sent(outbox, store):
    await put(store, mail("m1", lasts_s=0))
    assert await outbox.take() == []
    assert await outbox.waiting() == 0


async def test_what_is_long_over_is_deleted(outbox, store):
    accounts = accounts_of(store.pool)
    await accounts.create(ANNA, [mail("m1"), mail("m2")], [code("c", lasts_s=60)])
    await outbox.forget()
    assert len(await outbox.newest()) == 2
    ago = "now() - interval '8 days'"
    await store.pool.fetch(f"UPDATE mail SET expires_at = {ago} WHERE mail_id = 'm1'")
    await store.pool.fetch(f"UPDATE mail_code SET expires_at = {ago}")
    await outbox.forget()
    assert [row["mail_id"] for row in await outbox.newest()] == ["m2"]
    assert await store.pool.fetch("SELECT * FROM mail_code") == []


async def test_a_mail_is_in_its_language_or_in_that_of_the_account(outbox, store):
    mails = [mail("m1"), replace(mail("m2"), locale="en-GB"), mail("m3", "nobody")]
    await accounts_of(store.pool).create(replace(ANNA, locale="de"), mails)
    taken = {one.mail_id: one.locale for one in await outbox.take()}
    assert taken == {"m1": "de", "m2": "en-GB", "m3": ""}
