import time
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from persistence.errors import TooMany
from persistence.people.api_keys import ApiKeys, KeyRevoked, NewKey
from persistence.people.organisations import OrganisationNotFound, Organisations, join
from persistence.quotas import DEFAULT_QUOTAS
from tests.persistence.persons import accounts_of, digest, organised, registered

pytestmark = pytest.mark.postgres

NEW = NewKey(
    "key", "org", "Till", "abc", digest("secret"), ["events:read"], False, "usr_anna",
    b"h", None,
)  # fmt: skip


@pytest.fixture
async def keys(store):
    await registered(store.pool, "anna")
    await organised(store.pool, anna="owner")
    return ApiKeys(store.pool)


async def test_a_key_is_found_by_its_prefix_while_it_is_good(keys):
    made, new = await keys.create(NEW)
    assert (made.name, made.scopes, made.last_used_at, new) == (
        "Till",
        ["events:read"],
        None,
        True,
    )
    assert await keys.create(NEW) == (made, False)
    stored = await keys.find_by_prefix("abc")
    assert (stored.key_id, stored.hash) == ("key", digest("secret"))
    assert stored.old_hash is None
    assert repr(stored.hash) not in repr(stored) + repr(NEW)
    assert await keys.find_by_prefix("abd") is None
    revoked = await keys.revoke("org", "key")
    assert revoked.revoked_at is not None
    assert await keys.revoke("org", "key") == revoked
    assert await keys.find_by_prefix("abc") is None
    assert await keys.revoke("org", "none") is None


async def test_a_rotated_key_is_good_for_a_while_beside_the_new_one(keys, store):
    await keys.create(NEW)
    made, new = await keys.rotate(
        "org", "key", digest("two"), overlap_s=60, rotation="r", by="usr_anna"
    )
    assert new
    assert made.rotated_at is not None
    stored = await keys.find_by_prefix("abc")
    assert (stored.hash, stored.old_hash) == (digest("two"), digest("secret"))
    assert 0 < stored.old_until_s - time.time() <= 61
    again, new = await keys.rotate(
        "org", "key", digest("no"), overlap_s=0, rotation="r", by="usr_anna"
    )
    assert (again, new) == (made, False)
    await store.pool.fetch("UPDATE api_key SET old_until = now()")
    assert (await keys.find_by_prefix("abc")).old_hash is None
    await keys.rotate(
        "org", "key", digest("three"), overlap_s=0, rotation=None, by="usr_anna"
    )
    stored = await keys.find_by_prefix("abc")
    assert (stored.hash, stored.old_hash) == (digest("three"), None)
    await keys.revoke("org", "key")
    for name in ("key", "none"):
        with pytest.raises(KeyRevoked):
            await keys.rotate(
                "org", name, digest("no"), overlap_s=0, rotation=None, by="usr_anna"
            )


async def test_an_expired_key_and_one_of_an_organisation_that_ended_are_not_good(
    keys, store
):
    soon = datetime.now(UTC) + timedelta(hours=1)
    await keys.create(replace(NEW, expires_at=soon))
    stored = await keys.find_by_prefix("abc")
    assert stored.expires_at_s == pytest.approx(soon.timestamp(), abs=0.001)
    await store.pool.fetch("UPDATE api_key SET expires_at = now()")
    assert await keys.find_by_prefix("abc") is None
    await store.pool.fetch("UPDATE api_key SET expires_at = NULL")
    assert await keys.find_by_prefix("abc") is not None
    await Organisations(store.pool).delete("org")
    assert await keys.find_by_prefix("abc") is None
    with pytest.raises(OrganisationNotFound):
        await keys.create(replace(NEW, key_id="late", prefix="late"))


async def test_the_last_use_is_kept_and_never_goes_back(keys):
    await keys.create(NEW)
    await keys.note_used({"key": 2_000_000_000.0, "none": 1.0})
    await keys.note_used({"key": 1_900_000_000.0})
    found = await keys.find("org", "key")
    assert found.last_used_at == datetime.fromtimestamp(2_000_000_000, UTC)


async def test_there_are_not_too_many_keys_and_they_are_listed_in_pages(keys):
    for n in range(DEFAULT_QUOTAS.keys):
        await keys.create(replace(NEW, key_id=f"key{n:02}", prefix=f"p{n}"))
    with pytest.raises(TooMany) as raised:
        await keys.create(NEW)
    assert raised.value.limit == DEFAULT_QUOTAS.keys
    await keys.revoke("org", "key00")
    await keys.create(NEW)
    names, cursor = [], None
    while True:
        page, cursor = await keys.list_of("org", limit=20, cursor=cursor)
        names += [one.key_id for one in page]
        if cursor is None:
            break
    assert names[0] == "key"
    assert len(names) == len(set(names)) == DEFAULT_QUOTAS.keys + 1


async def rotated(keys, by, overlap_s=0, secret="two"):
    return await keys.rotate(
        "org", "key", digest(secret), overlap_s=overlap_s, rotation=None, by=by
    )


async def joined(store):
    """Let bert and cleo lead the organisation beside anna, who owns it."""
    await registered(store.pool, "bert", "cleo")
    for name in ("bert", "cleo"):
        async with store.pool.transaction() as connection:
            await join(connection, "org", f"usr_{name}", "leader", members_max=9)


async def test_a_key_ends_with_who_was_shown_it_and_with_nobody_else(keys, store):
    await joined(store)
    made, _ = await keys.create(replace(NEW, created_by="usr_bert"))
    assert (made.created_by, made.holder) == ("usr_bert", "usr_bert")
    organisations = Organisations(store.pool)
    await organisations.remove("org", "usr_cleo", ["leader"])
    assert await keys.find_by_prefix("abc") is not None
    await organisations.remove("org", "usr_bert", ["leader"])
    assert await keys.find_by_prefix("abc") is None
    assert (await keys.find("org", "key")).revoked_at is not None


@pytest.mark.parametrize("leave", ["removed", "made staff", "deleted"])
async def test_who_rotates_a_key_holds_it_and_the_one_before_loses_the_old_secret(
    keys, store, leave
):
    await joined(store)
    await keys.create(replace(NEW, created_by="usr_bert"))
    made, _ = await rotated(keys, "usr_anna", overlap_s=600)
    assert (made.created_by, made.holder) == ("usr_bert", "usr_anna")
    assert (await keys.find_by_prefix("abc")).old_hash == digest("secret")
    organisations = Organisations(store.pool)
    if leave == "removed":
        await organisations.remove("org", "usr_bert", ["leader"])
    elif leave == "made staff":
        await organisations.set_role("org", "usr_bert", "staff", ["leader", "staff"])
    else:
        await accounts_of(store.pool).delete("usr_bert")
    stored = await keys.find_by_prefix("abc")
    assert (stored.hash, stored.old_hash) == (digest("two"), None)


async def test_keys_stay_where_who_removes_their_holder_wants_that(keys, store):
    await joined(store)
    await keys.create(replace(NEW, created_by="usr_bert"))
    organisations = Organisations(store.pool)
    await organisations.set_role(
        "org", "usr_bert", "staff", ["leader", "staff"], keep_keys=True
    )
    await organisations.remove("org", "usr_bert", ["staff"], keep_keys=True)
    assert await keys.find_by_prefix("abc") is not None
    # With the account nobody is left who could answer for it.
    await accounts_of(store.pool).delete("usr_bert")
    assert await keys.find_by_prefix("abc") is None


SUSPEND = """
UPDATE account SET suspended_at = now(), suspended_reason = 'x' WHERE user_id = $1
"""
LET_IN = "UPDATE account SET suspended_at = NULL, suspended_reason = NULL"


async def test_a_key_rests_while_who_was_shown_it_is_suspended(keys, store):
    await joined(store)
    await keys.create(replace(NEW, created_by="usr_bert"))
    await store.pool.fetch(SUSPEND, "usr_cleo")
    assert await keys.find_by_prefix("abc") is not None
    await store.pool.fetch(SUSPEND, "usr_bert")
    assert await keys.find_by_prefix("abc") is None
    await rotated(keys, "usr_anna", overlap_s=600)
    assert (await keys.find_by_prefix("abc")).old_hash is None
    await store.pool.fetch(LET_IN)
    assert (await keys.find_by_prefix("abc")).old_hash == digest("secret")


async def test_the_keys_of_an_organisation_rest_whose_owners_are_all_suspended(
    keys, store
):
    await joined(store)
    await keys.create(replace(NEW, created_by="usr_bert"))
    organisations = Organisations(store.pool)
    await organisations.set_role("org", "usr_cleo", "owner", ["leader", "owner"])
    await store.pool.fetch(SUSPEND, "usr_anna")
    assert await keys.find_by_prefix("abc") is not None
    await store.pool.fetch(SUSPEND, "usr_cleo")
    assert await keys.find_by_prefix("abc") is None
    await store.pool.fetch(LET_IN)
    assert await keys.find_by_prefix("abc") is not None


async def test_the_organisations_are_found_that_a_user_s_end_changes(keys, store):
    await registered(store.pool, "bert", "cleo")
    await keys.create(replace(NEW, created_by="usr_bert"))
    assert await keys.depending_on("usr_anna") == ["org"]
    assert await keys.depending_on("usr_bert") == ["org"]
    assert await keys.depending_on("usr_cleo") == []
    await rotated(keys, "usr_cleo", overlap_s=600)
    assert await keys.depending_on("usr_bert") == ["org"]
    await rotated(keys, "usr_cleo", secret="three")
    assert await keys.depending_on("usr_bert") == []
