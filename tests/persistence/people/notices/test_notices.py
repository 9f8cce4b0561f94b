"""Notices: each once, however often it is raised, in the transaction of its cause."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from persistence.people.notices.notices import (
    Notice,
    Notices,
    forget_notices,
    raise_notice,
    raise_notices,
)
from tests.persistence.persons import ANNA, accounts_of

pytestmark = pytest.mark.postgres


DATA = {"reference": "REF1", "amount": 1_000, "currency": "EUR"}


def refunded(subject: str = "ref_1", user: str | None = "u1", **more: Any) -> Notice:
    more = {"email": "olga@example.org", "data": DATA, **more}
    return Notice(kind="refund_sent", subject=subject, user_id=user, **more)


async def raised(store: Any, *notices: Notice) -> list[bool]:
    async with store.pool.transaction() as connection:
        return [await raise_notice(connection, one) for one in notices]


async def mails(store: Any) -> list[Any]:
    return list(await store.pool.fetch("SELECT * FROM mail ORDER BY mail_id"))


async def test_one_notice_and_one_mail_for_kind_subject_and_person(store):
    one = refunded()
    assert await raised(store, one, one) == [True, False]
    assert await raised(store, one, refunded("ref_2"), refunded(user="u2")) == [
        False,
        True,
        True,
    ]
    assert len(await mails(store)) == 3
    rows, _ = await Notices(store.pool).list_of(
        "u1", limit=10, cursor=None, unread=False
    )
    assert {row.subject for row in rows} == {"ref_1", "ref_2"}


async def test_several_at_once_are_each_raised_once(store):
    async with store.pool.transaction() as connection:
        assert await raise_notices(connection, [refunded(), refunded()]) == 1
    assert len(await mails(store)) == 1


async def test_one_is_told_by_itself_what_it_is_among_others(store):
    """There is a statement for each: this holds them to each other."""
    await accounts_of(store.pool).create(ANNA, [])
    many: list[dict[str, Any]] = [
        {},
        {"user": None},
        {"email": None},
        {"email": None, "user": "unknown"},
        {"locale": "de-AT", "mail": {"reference": "other", "lines": [1]}},
        {"event_id": "evt", "files": ("calendar:evt", "ticket:t")},
    ]
    mailed = 0
    for verified in ("NULL", "now()"):
        await store.pool.fetch(
            f"UPDATE account SET locale = 'de', verified_at = {verified}"
        )
        for more in many:
            one = refunded(**{"user": "usr_1", **more})
            alone = await told(store, [one])
            assert alone == await told(store, [one, refunded("ref_2", "u2")]), more
            mailed += alone["m"] is not None
    assert mailed == 2 * len(many) - 3


async def told(store: Any, notices: list[Notice]) -> Any:
    """Return the rows of the notice `ref_1`, its times left out, and undo all."""
    async with store.pool.transaction() as connection:
        assert await raise_notices(connection, notices) == len(notices)
        (row,) = await connection.fetch(
            "SELECT to_jsonb(n) - 'at' AS n, m.expires_at - now() AS lasts,"
            " to_jsonb(m) - '{created_at,due_at,expires_at,number}'::text[] AS m"
            " FROM notice n LEFT JOIN mail m USING (notice_id)"
            " WHERE n.subject = 'ref_1'"
        )
        await connection.execute("DELETE FROM notice; DELETE FROM mail")
    return dict(row)


async def test_two_transactions_at_once_raise_one(store):
    results = await asyncio.gather(*(raised(store, refunded()) for _ in range(4)))
    assert sorted(results) == [[False], [False], [False], [True]]
    assert len(await mails(store)) == 1


async def test_what_is_undone_told_nobody(store):
    async def fail() -> None:
        async with store.pool.transaction() as connection:
            await raise_notice(connection, refunded())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await mails(store) == []
    assert await Notices(store.pool).untold() == []


async def test_a_mail_goes_to_the_confirmed_address_of_the_account_alone(store):
    await accounts_of(store.pool).create(ANNA, [])
    unproven = refunded(user=ANNA.user_id, email=None)
    await raised(store, unproven)
    assert await mails(store) == []
    await store.pool.fetch("UPDATE account SET verified_at = now()")
    await raised(store, refunded("ref_2", ANNA.user_id, email=None))
    (mail,) = await mails(store)
    assert (mail["recipient"], mail["kind"]) == (ANNA.email, "refund_sent")


async def test_an_address_without_a_user_is_one_however_it_is_spelled(store):
    notice = refunded(user=None)
    again = refunded(user=None, email="olga@EXAMPLE.org")
    assert await raised(store, notice, again) == [True, False]
    with pytest.raises(ValueError, match="for somebody"):
        await raised(store, refunded(user=None, email=None))


async def test_what_a_kind_needs_is_asked_for_at_once(store):
    """Not when the mail is written, where nobody could help it any more."""
    with pytest.raises(ValueError, match="amount"):
        await raised(store, refunded(data={"reference": "R", "currency": "EUR"}))
    with pytest.raises(ValueError, match="its event"):
        await raised(store, Notice(kind="reminder", subject="s", user_id="u1"))


async def test_what_the_mail_alone_says_is_in_no_notice(store):
    await raised(store, refunded(mail={"secret": "s3cret"}, files=("ticket:t1",)))
    (row,) = await Notices(store.pool).untold()
    assert row.data == DATA
    (mail,) = await mails(store)
    assert "s3cret" in mail["data"]
    assert mail["files"] == ["ticket:t1"]


async def test_new_ones_are_told_once_and_the_newest_are_listed_first(store):
    notices = Notices(store.pool)
    for number in range(3):
        await raised(store, refunded(f"ref_{number}"))
    found = await asyncio.gather(*(notices.untold() for _ in range(3)))
    assert sorted(one.subject for some in found for one in some) == [
        "ref_0",
        "ref_1",
        "ref_2",
    ]
    first, cursor = await notices.list_of("u1", limit=2, cursor=None, unread=False)
    rest, end = await notices.list_of("u1", limit=2, cursor=cursor, unread=False)
    assert [row.subject for row in [*first, *rest]] == ["ref_2", "ref_1", "ref_0"]
    assert end is None


async def test_reading_is_of_ones_own(store):
    notices = Notices(store.pool)
    await raised(store, refunded(), refunded("ref_2"), refunded(user="u2"))
    rows, _ = await notices.list_of("u1", limit=9, cursor=None, unread=True)
    await notices.read("u2", [rows[0].notice_id])
    assert await notices.count_of("u1", unread=True) == 2
    await notices.read("u1", [rows[0].notice_id])
    assert await notices.count_of("u1", unread=True) == 1
    await notices.read("u1", None)
    assert await notices.count_of("u1", unread=True) == 0
    assert await notices.count_of("u2", unread=True) == 1
    assert await notices.count_of("u1", unread=False) == 2


async def test_whose_account_ends_leaves_no_notice(store):
    await raised(store, refunded(), refunded(user="u2"))
    async with store.pool.transaction() as connection:
        await forget_notices(connection, "u1")
    notices = Notices(store.pool)
    assert await notices.count_of("u1", unread=False) == 0
    assert await notices.count_of("u2", unread=False) == 1
    await store.pool.fetch("UPDATE notice SET at = now() - interval '500 days'")
    await notices.forget()
    assert await notices.count_of("u2", unread=False) == 0


async def test_who_named_no_language_is_told_in_that_of_the_account(store):
    await accounts_of(store.pool).create(replace(ANNA, locale="de-AT"))
    own = refunded("ref_1", ANNA.user_id)
    await raised(store, own, refunded("ref_2", ANNA.user_id, locale="en-GB"))
    await raised(store, refunded("ref_3", "a guest"))
    rows = await store.pool.fetch(
        "SELECT locale FROM mail JOIN notice USING (notice_id) ORDER BY notice.subject"
    )
    assert [row["locale"] for row in rows] == ["de-AT", "en-GB", ""]
