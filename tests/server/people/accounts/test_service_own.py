"""One's own account, changed and ended without a request."""

import pytest

from persistence.errors import Stale
from server.base.refusals.refusals import Refusal
from server.people.accounts.service_own import AccountEdit
from server.transport.ratelimit.meter import RateLimited
from server.transport.ratelimit.request_limits import LOGINS_BURST, MAILS_BURST
from tests.persistence.persons import PHONE
from tests.server.identities import ADMIN, LENA, MIA, OLGA
from tests.server.meters import Counter, uncounted
from tests.server.people.entrance import PASSWORD

pytestmark = pytest.mark.postgres

NEW = "new@example.org"
MOVE = AccountEdit(email=NEW, current_password=PASSWORD)


async def test_a_name_is_changed_where_it_is_as_it_was_seen(own_desk):
    own = own_desk.own
    before = await own.find(MIA)
    edit = AccountEdit(name="Mia M.")
    after = await own.edit(MIA, edit, (before.revision,), uncounted())
    assert (after.name, after.email) == ("Mia M.", before.email)
    with pytest.raises(Stale):
        await own.edit(MIA, edit, (before.revision,), uncounted())
    assert "Mia" not in repr(edit)


async def test_another_address_counts_once_it_is_confirmed(own_desk):
    own, entrance = own_desk.own, own_desk.entrance
    await entrance.choose(MIA)
    before = await own.find(MIA)
    edit = AccountEdit(name="Mia M.", email=NEW, current_password=PASSWORD)
    after = await own.edit(MIA, edit, (before.revision,), uncounted())
    assert (after.email, after.pending_email) == (before.email, NEW)
    assert after.name == "Mia M."
    # The code goes to the new one, and the one of today is told.
    assert await entrance.mails() == [before.email, NEW]
    await own.edit(MIA, edit, None, uncounted())
    assert await entrance.mails() == [before.email, NEW]
    assert await own_desk.codes.verify(await own_desk.code("verify")) == MIA.user
    assert (await own.find(MIA)).email == NEW


async def test_the_address_of_today_takes_the_other_one_back(own_desk):
    own, entrance = own_desk.own, own_desk.entrance
    await entrance.choose(MIA)
    await own.edit(MIA, MOVE, None, uncounted())
    back = AccountEdit(email="MIA@example.org", current_password=PASSWORD)
    after = await own.edit(MIA, back, None, uncounted())
    assert (after.email, after.pending_email) == ("mia@example.org", None)


async def test_another_address_needs_the_password_and_must_be_free(own_desk):
    own, entrance = own_desk.own, own_desk.entrance
    await entrance.choose(MIA)
    for edit, code in (
        (AccountEdit(email=NEW), "bad_field"),
        (AccountEdit(email="none", current_password=PASSWORD), "bad_field"),
        (AccountEdit(email=NEW, current_password="wrong"), "wrong_password"),
        (
            AccountEdit(email="olga@example.org", current_password=PASSWORD),
            "email_taken",
        ),
    ):
        with pytest.raises(Refusal, match=code):
            await own.edit(MIA, edit, None, uncounted())
    assert (await own.find(MIA)).pending_email is None
    assert await entrance.mails() == []


async def test_guesses_and_mails_are_counted(own_desk):
    own, entrance, counter = own_desk.own, own_desk.entrance, Counter()
    await entrance.choose(MIA)
    meter = counter.of(MIA.user)
    for n in range(MAILS_BURST):
        edit = AccountEdit(email=f"{n}@example.org", current_password=PASSWORD)
        await own.edit(MIA, edit, None, meter)
    with pytest.raises(RateLimited):
        await own.edit(MIA, MOVE, None, meter)
    wrong = AccountEdit(email=NEW, current_password="wrong")
    for _ in range(LOGINS_BURST - MAILS_BURST - 1):
        with pytest.raises(Refusal, match="wrong_password"):
            await own.edit(MIA, wrong, None, meter)
    with pytest.raises(RateLimited):
        await own.edit(MIA, wrong, None, meter)


async def test_a_new_password_ends_all_sessions_but_the_one_it_opens(own_desk):
    own, entrance = own_desk.own, own_desk.entrance
    await entrance.choose(MIA)
    before = await entrance.log_in(MIA)
    with pytest.raises(Refusal, match="bad_field"):
        await own.change_password(MIA, PASSWORD, PASSWORD, PHONE, uncounted())
    for current, new, code in (
        ("wrong", "another password", "wrong_password"),
        (PASSWORD, "password123", "bad_field"),
    ):
        with pytest.raises(Refusal, match=code):
            await own.change_password(MIA, current, new, PHONE, uncounted())
    assert own_desk.ended == []
    signed = await own.change_password(
        MIA, PASSWORD, "another password", PHONE, uncounted()
    )
    assert own_desk.ended == [MIA.user]
    assert (MIA.user, before.session) in entrance.closed
    rows = await entrance.service.sessions_of(MIA)
    assert [row.session_id for row in rows] == [signed.session]
    assert await entrance.mails() == ["mia@example.org"]


async def test_an_account_ends_with_the_password_or_soon_after_it(own_desk):
    own, entrance = own_desk.own, own_desk.entrance
    await entrance.choose(MIA)
    await entrance.choose(LENA)
    mia, lena = [entrance.who(await entrance.log_in(one)) for one in (MIA, LENA)]
    await entrance.pool.fetch(
        "UPDATE session SET created_at = now() - interval '6 min' WHERE user_id = $1",
        MIA.user,
    )
    for password, code in ((None, "password_needed"), ("wrong", "wrong_password")):
        with pytest.raises(Refusal, match=code):
            await own.delete(mia, password, None, uncounted())
    with pytest.raises(Stale):
        await own.delete(mia, PASSWORD, (99,), uncounted())
    await own.delete(mia, PASSWORD, None, uncounted())
    await own.delete(lena, None, None, uncounted())
    assert own_desk.ended == [MIA.user, LENA.user]
    for who in (mia, lena):
        with pytest.raises(Refusal, match="unauthenticated"):
            await own.find(who)


async def test_neither_administrators_nor_last_owners_leave(own_desk):
    own, entrance = own_desk.own, own_desk.entrance
    await entrance.choose(OLGA)
    with pytest.raises(Refusal, match="last_owner"):
        await own.delete(OLGA, PASSWORD, None, uncounted())
    with pytest.raises(Refusal, match="forbidden"):
        own.refuse_admin(ADMIN)
    with pytest.raises(Refusal, match="forbidden"):
        await own.delete(ADMIN, PASSWORD, None, uncounted())
    own.refuse_admin(OLGA)
    assert own_desk.ended == []
