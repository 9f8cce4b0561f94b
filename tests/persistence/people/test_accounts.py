import asyncio

import msgspec
import pytest

from persistence.mail import Mail, Outbox, Proven
from persistence.people.accounts import Account, EmailTaken
from persistence.people.users import LastAdmin
from tests.persistence.persons import (
    ANNA,
    PHONE,
    accounts_of,
    code,
    digest,
    mail,
    revoked,
    sessions_of,
)

pytestmark = pytest.mark.postgres
replace = msgspec.structs.replace


@pytest.fixture
def accounts(store):
    return accounts_of(store.pool)


@pytest.fixture
def sessions(store):
    return sessions_of(store.pool)


@pytest.fixture
def outbox(store):
    return Outbox(store.pool)


def same(found: Account | None, wanted: Account) -> bool:
    return found is not None and replace(found, created_at=None) == wanted


async def test_an_account_is_found_however_its_address_is_written(accounts):
    assert same(await accounts.create(ANNA), ANNA)
    assert same(await accounts.find_by_email("Anna@example.ORG"), ANNA)
    assert same(await accounts.find("usr_1"), ANNA)
    assert await accounts.find_by_email("other@example.org") is None


async def test_an_address_is_one_account_s_only(accounts):
    await accounts.create(ANNA)
    again = replace(ANNA, user_id="usr_2", email="ANNA@example.org")
    assert await accounts.create(again) is None
    assert await accounts.create(replace(ANNA, email="b@c.de")) is None


async def test_an_account_of_before_is_found_by_its_own_spelling(accounts, store):
    # Both were there when spellings were told apart: migration 0014 merged nobody.
    ours = replace(ANNA, email="jürgen@münchen.de")
    theirs = replace(ANNA, user_id="usr_2", email="jürgen@xn--mnchen-3ya.de")
    await accounts.create(theirs)
    await store.query("UPDATE account SET email_key = NULL")
    await accounts.create(ours)
    for email, user in [
        ("jürgen@münchen.de", "usr_1"),
        ("ju\u0308rgen@MÜNCHEN.de", "usr_1"),
        ("Jürgen@xn--mnchen-3ya.de", "usr_2"),
    ]:
        found = await accounts.find_by_email(email)
        assert found is not None
        assert found.user_id == user, email
    with pytest.raises(EmailTaken):
        await accounts.ask_to_move(theirs, "JÜRGEN@münchen.de", [], [])
    plan = await store.query(
        "EXPLAIN SELECT FROM account WHERE email_key = 'a@b'"
        " OR (email_key IS NULL AND lower(email) = lower('a@b'))"
    )
    assert "Seq Scan" not in str(plan)


async def test_of_many_who_register_one_address_one_gets_it(accounts):
    wanted = [replace(ANNA, user_id=f"usr_{n}") for n in range(6)]
    made = await asyncio.gather(*(accounts.create(one) for one in wanted))
    assert sum(one is not None for one in made) == 1


async def test_a_guest_who_registers_leaves_the_token_behind_but_not_the_sockets(
    accounts, sessions
):
    await accounts.create(ANNA)
    # With the sockets that it opened, which would be the account's now.
    assert await revoked(sessions) == {"usr_1": True}


async def test_who_could_not_register_gets_no_mail(accounts, outbox):
    await accounts.create(ANNA, [mail("m1")], [code("c1")])
    again = replace(ANNA, user_id="usr_2")
    await accounts.create(again, [mail("m2", "usr_2")], [])
    assert [one.mail_id for one in await outbox.take()] == ["m1"]


async def test_an_administrator_is_made_once_and_left_alone_from_then_on(
    accounts, sessions
):
    email = "admin@example.org"
    assert not await accounts.was_made_admin(email)
    await accounts.make_admin("usr_1", email, "hash")
    first = await accounts.find_by_email(email)
    assert (first.user_id, first.role) == ("usr_1", "admin")
    await accounts.make_admin("usr_2", "Admin@example.org", "other")
    assert await accounts.find_by_email(email) == first
    assert await accounts.was_made_admin("ADMIN@example.org")
    assert await revoked(sessions) == {}


async def test_an_administrator_who_ended_is_not_made_again(accounts):
    email = "admin@example.org"
    await accounts.make_admin("usr_1", email, "hash")
    await accounts.make_admin("usr_2", "other@example.org", "hash")
    await accounts.delete("usr_1")
    await accounts.make_admin("usr_3", email, "hash")
    assert await accounts.find_by_email(email) is None


async def test_who_is_an_administrator_already_stays_as_is(accounts, sessions):
    await accounts.create(replace(ANNA, role="admin"))
    await accounts.make_admin("usr_2", ANNA.email, "new")
    assert (await accounts.find("usr_1")).password_hash == ANNA.password_hash
    assert await accounts.was_made_admin(ANNA.email)


async def test_a_customer_with_the_administrator_s_address_becomes_one_signed_out(
    accounts, sessions
):
    await accounts.create(ANNA, [], [code("c", "reset")])
    await sessions.open("ses_1", "usr_1", "hash", digest("r"), PHONE)
    await accounts.make_admin("usr_2", "anna@example.org", "new")
    admin = await accounts.find_by_email("anna@example.org")
    assert (admin.user_id, admin.role, admin.name) == ("usr_1", "admin", "Anna")
    assert admin.password_hash == "new"
    # Who registered with that address need not be the one who is meant.
    assert await revoked(sessions) == {"usr_1": True, "ses_1": True}
    assert await sessions.refresh(digest("r"), digest("r2"), b"", PHONE) is None
    assert await accounts.reset_password(digest("c"), "mine") is None


async def test_a_name_is_changed(accounts):
    await accounts.create(ANNA)
    renamed = await accounts.edit("usr_1", "Anna B.")
    assert same(renamed, replace(ANNA, name="Anna B.", revision=1))
    assert await accounts.edit("usr_2", "x") is None


async def test_a_new_password_ends_what_the_old_one_opened(accounts, sessions):
    await accounts.create(ANNA, [], [code("c", "reset")])
    await sessions.open("ses_1", "usr_1", "hash", digest("r"), PHONE)
    ended = await accounts.change_password(ANNA, "new", [])
    assert set(ended) == {"usr_1", "ses_1"}
    assert await revoked(sessions) == {"usr_1": True, "ses_1": True}
    assert await sessions.of_user("usr_1") == []
    assert await accounts.reset_password(digest("c"), "another") is None
    # Proven with the old password just before, but it comes too late.
    assert await sessions.open("ses_2", "usr_1", "hash", digest("s"), PHONE) is None
    assert await accounts.change_password(ANNA, "another", []) is None
    assert (await accounts.find("usr_1")).password_hash == "new"


async def test_another_hash_of_the_same_password_ends_nothing(accounts, sessions):
    await accounts.create(ANNA)
    await sessions.open("ses_1", "usr_1", "hash", digest("r"), PHONE)
    before = await revoked(sessions)
    await accounts.renew_hash(ANNA, "renewed")
    assert (await accounts.find("usr_1")).password_hash == "renewed"
    assert len(await sessions.of_user("usr_1")) == 1
    assert await revoked(sessions) == before
    # Of a password that was changed meanwhile it is none.
    await accounts.renew_hash(ANNA, "late")
    assert (await accounts.find("usr_1")).password_hash == "renewed"


async def test_of_two_new_passwords_at_once_one_is_taken(accounts):
    await accounts.create(ANNA)
    changes = (accounts.change_password(ANNA, new, []) for new in ("a", "b"))
    done = await asyncio.gather(*changes)
    assert sum(ended is not None for ended in done) == 1


async def test_a_code_verifies_the_address_that_it_was_sent_to_once(accounts):
    await accounts.create(ANNA, [], [code("c"), code("other", "reset")])
    assert await verify(accounts, "other") is None
    assert await verify(accounts, "c") == Proven("usr_1", ANNA.email)
    assert (await accounts.find("usr_1")).verified
    assert await verify(accounts, "c") is None


async def test_a_later_code_ends_the_one_before_where_only_its_owner_asks(accounts):
    await accounts.create(ANNA, [], [code("c1")])
    await accounts.put_code(mail("m"), code("r1", "reset"))
    await accounts.put_code(mail("m2"), code("c2"))
    assert await verify(accounts, "c1") is None
    # Anybody asks for a new password: the code that is being read stays good.
    await accounts.put_code(mail("m3"), code("r2", "reset"))
    assert await accounts.reset_password(digest("r1"), "new") is not None
    assert await accounts.reset_password(digest("r2"), "newer") is None


async def test_a_code_that_is_too_old_is_none(accounts, outbox):
    await accounts.create(ANNA, [], [code("c", "reset", lasts_s=0)])
    assert await outbox.find_code(digest("c"), "reset") is None
    assert await accounts.reset_password(digest("c"), "new") is None


async def test_a_code_changes_the_password_once_and_ends_all_sessions(
    accounts, sessions, outbox
):
    await accounts.create(ANNA, [], [code("c", "reset"), code("v")])
    await sessions.open("ses_1", "usr_1", "hash", digest("r"), PHONE)
    assert await outbox.find_code(digest("c"), "reset") == Proven("usr_1", ANNA.email)
    proven, ended = await accounts.reset_password(digest("c"), "new")
    assert (proven.user_id, set(ended)) == ("usr_1", {"usr_1", "ses_1"})
    account = await accounts.find("usr_1")
    # Whoever reads the mails of an address has it.
    assert (account.password_hash, account.verified) == ("new", True)
    assert await accounts.reset_password(digest("c"), "newer") is None
    assert await verify(accounts, "v") is None


NEW = "b@example.org"


def tell_former(account: Account) -> Mail:
    return replace(mail("former"), recipient=account.email)


async def verify(accounts, name):
    return await accounts.verify(digest(name), tell_former)


async def ask_to_move(accounts, email=NEW, name="n", who=ANNA):
    wanted = code(name, email=email)
    codes = [replace(wanted, user_id=who.user_id)]
    return await accounts.ask_to_move(who, email, [mail(f"m-{name}")], codes)


async def test_a_new_address_counts_once_it_is_verified(accounts, outbox):
    await accounts.create(ANNA, [], [code("c"), code("r", "reset")])
    await verify(accounts, "c")
    asked = await ask_to_move(accounts)
    assert (asked.email, asked.verified, asked.pending_email) == (ANNA.email, True, NEW)
    assert await accounts.find_by_email(NEW) is None
    # A password that is forgotten meanwhile is asked for at the address of today.
    assert await outbox.find_code(digest("r"), "reset") is not None
    assert await verify(accounts, "n") == Proven("usr_1", NEW)
    moved = await accounts.find_by_email("B@example.org")
    assert (moved.email, moved.verified, moved.pending_email) == (NEW, True, None)
    assert await accounts.find_by_email(ANNA.email) is None
    assert await accounts.reset_password(digest("r"), "new") is None
    told = {one.mail_id: one.recipient for one in await outbox.take()}
    assert told["former"] == ANNA.email


async def test_an_address_that_was_never_verified_is_left_the_same_way(accounts):
    await accounts.create(ANNA, [], [code("c")])
    asked = await ask_to_move(accounts)
    assert (asked.email, asked.verified) == (ANNA.email, False)
    assert await verify(accounts, "c") is None
    assert await verify(accounts, "n") is not None
    assert (await accounts.find("usr_1")).verified


async def test_another_wish_ends_the_code_of_the_one_before(accounts):
    await accounts.create(ANNA)
    await ask_to_move(accounts)
    await ask_to_move(accounts, "c@example.org", "o")
    assert await verify(accounts, "n") is None
    stays = await accounts.ask_to_move(ANNA, None, [], [])
    assert (stays.email, stays.pending_email) == (ANNA.email, None)
    assert await verify(accounts, "o") is None


async def test_an_address_that_was_taken_meanwhile_is_not_moved_to(accounts):
    await accounts.create(ANNA)
    await ask_to_move(accounts)
    await accounts.create(replace(ANNA, user_id="usr_2", email="B@example.org"))
    with pytest.raises(EmailTaken):
        await verify(accounts, "n")
    still = await accounts.find("usr_1")
    assert (still.email, still.pending_email) == (ANNA.email, NEW)


async def test_of_two_who_want_an_address_the_first_to_verify_gets_it(accounts):
    other = replace(ANNA, user_id="usr_2", email="c@example.org")
    for who, name in ((ANNA, "n"), (other, "o")):
        await accounts.create(who)
        await ask_to_move(accounts, NEW, name, who)
    assert await verify(accounts, "o") == Proven("usr_2", NEW)
    with pytest.raises(EmailTaken):
        await verify(accounts, "n")


@pytest.mark.parametrize("how", ["change", "reset"])
async def test_a_new_password_leaves_the_address_as_it_is(accounts, how):
    await accounts.create(ANNA, [], [code("r", "reset")])
    await ask_to_move(accounts)
    if how == "change":
        await accounts.change_password(ANNA, "new", [])
    else:
        await accounts.reset_password(digest("r"), "new")
    assert (await accounts.find("usr_1")).pending_email is None
    assert await verify(accounts, "n") is None
    assert await ask_to_move(accounts) is None, "the password was changed"


async def test_a_taken_address_cannot_be_asked_for(accounts, outbox):
    await accounts.create(ANNA)
    other = replace(ANNA, user_id="usr_2", email="b@example.org")
    await accounts.create(other)
    with pytest.raises(EmailTaken):
        await ask_to_move(accounts, "B@example.org")
    assert (await accounts.find("usr_1")).pending_email is None
    assert await outbox.take() == []


async def test_the_last_administrator_is_not_deleted(accounts):
    admins = [
        replace(ANNA, user_id=f"usr_a{n}", email=f"a{n}@b.de", role="admin")
        for n in (1, 2)
    ]
    for one in admins:
        await accounts.create(one)
    ends = await asyncio.gather(
        *(accounts.delete(one.user_id) for one in admins), return_exceptions=True
    )
    assert sorted(isinstance(end, LastAdmin) for end in ends) == [False, True]


async def test_a_deleted_account_leaves_nothing_but_its_id(
    accounts, sessions, outbox, store
):
    await accounts.create(ANNA, [mail("m")], [code("c"), code("r", "reset")])
    await sessions.open("ses_1", "usr_1", "hash", digest("t"), PHONE)
    assert set(await accounts.delete("usr_1")) == {"usr_1", "ses_1"}
    assert await accounts.find("usr_1") is None
    assert await accounts.find_by_email(ANNA.email) is None
    assert await accounts.delete("usr_1") is None
    for table in ("session", "refresh_token", "mail", "mail_code"):
        assert await store.pool.fetch(f"SELECT * FROM {table}") == []
    (row,) = await store.pool.fetch("SELECT * FROM account")
    left = {name: value for name, value in row.items() if value not in (None, "")}
    assert set(left) == {"user_id", "role", "created_at", "deleted_at", "revision"}
    # Somebody else may have the address now, and is somebody else.
    again = replace(ANNA, user_id="usr_2")
    assert same(await accounts.create(again), again)


async def test_no_log_shows_a_secret():
    assert "hash" not in repr(ANNA)
    assert "secret" not in repr(mail("m"))
