import asyncio

import pytest
from msgspec.structs import replace

from persistence.people.invitations import (
    InvitationNotFound,
    Invitations,
    NewInvitation,
    NotConfirmed,
    NotInvited,
)
from persistence.people.organisations import (
    AlreadyMember,
    MemberNotFound,
    OrganisationNotFound,
    Organisations,
    join,
)
from tests.persistence.persons import accounts_of, digest, mail, organised, registered

pytestmark = pytest.mark.postgres

NEW = NewInvitation(
    "inv", "org", "cleo@example.org", "staff", digest("code"), "usr_anna", b"h",
    mail("m1", "nobody"), 3_600,
)  # fmt: skip


async def confirmed(store, *names, at="now()"):
    """Let these have confirmed their addresses."""
    users = [f"usr_{name}" for name in names]
    sql = f"UPDATE account SET verified_at = {at} WHERE user_id = ANY ($1)"
    await store.pool.fetch(sql, users)


@pytest.fixture
async def invitations(store):
    await registered(store.pool, "anna", "bert", "cleo")
    await organised(store.pool, anna="owner")
    await confirmed(store, "anna", "bert", "cleo")
    return Invitations(store.pool)


async def test_whoever_has_the_code_becomes_a_member_once(invitations, store):
    made = await invitations.create(NEW)
    assert (made.state, made.role, made.organisation_name) == (
        "pending",
        "staff",
        "Theatre",
    )
    assert await invitations.create(NEW) == made
    assert "cleo" not in repr(made) + repr(NEW)
    assert await invitations.find_by_code(digest("code")) == made
    assert await invitations.find_by_code(digest("other")) is None
    assert await invitations.accept(digest("code"), "usr_cleo") == ("org", "staff")
    # The same answer again for the same one, and none for another.
    assert await invitations.accept(digest("code"), "usr_cleo") == ("org", "staff")
    with pytest.raises(InvitationNotFound):
        await invitations.accept(digest("code"), "usr_bert")
    assert await invitations.find_by_code(digest("code")) is None
    await Organisations(store.pool).remove("org", "usr_cleo", ["staff"])
    with pytest.raises(InvitationNotFound):
        await invitations.accept(digest("code"), "usr_cleo")


@pytest.mark.parametrize("attempt", range(4))
async def test_who_accepts_twice_at_once_becomes_a_member_once(invitations, attempt):
    await invitations.create(NEW)
    outcomes = await asyncio.gather(
        *(invitations.accept(digest("code"), "usr_cleo") for _ in range(2))
    )
    assert outcomes == [("org", "staff")] * 2


async def test_only_whoever_has_confirmed_the_address_accepts(invitations, store):
    await invitations.create(replace(NEW, email="Cleo@EXAMPLE.org"))
    with pytest.raises(NotInvited):
        await invitations.accept(digest("code"), "usr_bert")
    with pytest.raises(MemberNotFound):
        await invitations.accept(digest("code"), "usr_nobody")
    await confirmed(store, "cleo", at="NULL")
    with pytest.raises(NotConfirmed):
        await invitations.accept(digest("code"), "usr_cleo")
    assert (await invitations.find("org", "inv")).state == "pending"
    await confirmed(store, "cleo")
    assert await invitations.accept(digest("code"), "usr_cleo") == ("org", "staff")
    # Whoever is a member already gets the answer under any address.
    await store.pool.fetch(
        "UPDATE account SET email = 'c@example.org' WHERE user_id = 'usr_cleo'"
    )
    assert await invitations.accept(digest("code"), "usr_cleo") == ("org", "staff")


async def test_an_invitation_is_refused_withdrawn_or_replaced(invitations):
    await invitations.create(NEW)
    await invitations.decline(digest("code"), "usr_cleo")
    await invitations.decline(digest("code"), "usr_cleo")
    with pytest.raises(InvitationNotFound):
        await invitations.decline(digest("code"), "usr_bert")
    second = replace(NEW, invitation_id="inv2", code_hash=digest("2"), mail=mail("m2"))
    third = replace(NEW, invitation_id="inv3", code_hash=digest("3"), mail=mail("m3"))
    await invitations.create(second)
    await invitations.create(third)
    assert (await invitations.find("org", "inv2")).state == "withdrawn"
    await invitations.withdraw("org", "inv3", "usr_anna")
    with pytest.raises(InvitationNotFound):
        await invitations.withdraw("org", "inv3", "usr_anna")
    with pytest.raises(InvitationNotFound):
        await invitations.accept(digest("3"), "usr_cleo")
    every, _ = await invitations.list_of("org", limit=9)
    assert [one.invitation_id for one in every] == ["inv3", "inv2", "inv"]
    gone, cursor = await invitations.list_of("org", state="withdrawn", limit=1)
    assert [one.invitation_id for one in gone] == ["inv3"]
    gone, cursor = await invitations.list_of(
        "org", state="withdrawn", limit=1, cursor=cursor
    )
    assert [one.invitation_id for one in gone] == ["inv2"]
    assert cursor is None


async def test_an_expired_invitation_is_good_for_nothing(invitations, store):
    await invitations.create(NEW)
    await store.pool.fetch("UPDATE organisation_invitation SET expires_at = now()")
    for answer in (invitations.accept, invitations.decline):
        with pytest.raises(InvitationNotFound):
            await answer(digest("code"), "usr_cleo")
    assert await invitations.find_by_code(digest("code")) is None


async def test_members_are_not_invited_and_nobody_invites_to_nothing(
    invitations, store
):
    with pytest.raises(AlreadyMember):
        await invitations.create(replace(NEW, email="ANNA@example.org"))
    await invitations.create(NEW)
    async with store.pool.transaction() as connection:
        await join(connection, "org", "usr_cleo", "staff", 9)
    with pytest.raises(AlreadyMember):
        await invitations.accept(digest("code"), "usr_cleo")
    with pytest.raises(OrganisationNotFound):
        await invitations.create(replace(NEW, organisation_id="none"))


async def test_the_mail_goes_with_its_invitation_and_with_its_account(
    invitations, store
):
    await invitations.create(NEW)
    assert await store.query("SELECT user_id FROM mail") == [("usr_cleo",)]
    await accounts_of(store.pool).delete("usr_cleo")
    assert await store.query("SELECT count(*) FROM mail") == [(0,)]
    assert await store.query("SELECT email, state FROM organisation_invitation") == [
        ("", "withdrawn")
    ]


async def test_an_invitation_says_by_whom_in_the_language_of_who_reads_it(
    invitations, store
):
    async def told():
        rows = await store.query(
            "SELECT locale, data ->> 'inviter' FROM mail ORDER BY created_at DESC"
        )
        return rows[0]

    sql = "UPDATE account SET locale = $2 WHERE user_id = $1"
    await store.pool.fetch(sql, "usr_anna", "de")
    await store.pool.fetch(sql, "usr_cleo", "en-GB")
    await invitations.create(NEW)
    assert await told() == ("en-GB", "Anna")
    # Of a stranger nobody knows it: it is taken to be that of who invites.
    await invitations.create(
        replace(
            NEW,
            invitation_id="inv2",
            email="new@example.org",
            code_hash=digest("2"),
            mail=mail("m2"),
        )
    )
    assert await told() == ("de", "Anna")
