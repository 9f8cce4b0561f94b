"""Keys in a real Postgres: made once, encrypted, rotated by adding."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from persistence.shop.tickets.keys import TicketKeys
from server.shop.tickets.keyring import RIPE_S, Keyring, Vault

pytestmark = pytest.mark.postgres
SECRET, OTHER = (f"secret {n} of at least thirty-two bytes" for n in (1, 2))


async def current(keyring, pool, organisation=None):
    async with pool.transaction() as connection:
        return await keyring.current(connection, organisation)


async def ripen(pool):
    """Let the day pass for which a key waits."""
    await pool.fetch("UPDATE ticket_key SET signs_from = now() - interval '1 s'")


async def test_of_many_who_need_the_first_key_one_makes_it(store):
    rings = [Keyring(store.pool, Vault([SECRET])) for _ in range(4)]
    signers = await asyncio.gather(*(current(one, store.pool, "org") for one in rings))
    assert len({one.key for one in signers}) == 1
    raw = {one.private.private_bytes_raw() for one in signers}
    assert len(raw) == 1
    (row,) = await TicketKeys(store.pool).all()
    assert (row.organisation, row.number, row.sealed) == ("org", 1, True)


async def test_each_organisation_and_the_house_sign_with_keys_of_their_own(store):
    ring = Keyring(store.pool, Vault([SECRET]))
    signers = [await current(ring, store.pool, one) for one in (None, "org", "other")]
    assert len({one.key for one in signers}) == 3
    again = [await current(ring, store.pool, one) for one in (None, "org", "other")]
    assert [one.key for one in again] == [one.key for one in signers]
    assert set(await ring.public_keys("org")) == {signers[1].key}
    assert set(await ring.public_keys(None)) == {signers[0].key}


async def test_a_seed_is_stored_so_that_only_the_secret_opens_it(store):
    ring = Keyring(store.pool, Vault([SECRET]))
    signer = await current(ring, store.pool)
    (row,) = await TicketKeys(store.pool).all()
    assert signer.private.private_bytes_raw() not in row.seed
    assert Vault([OTHER]).open(row) is Vault([]).open(row) is None
    for vault in (
        Vault([SECRET]),
        Vault([OTHER, SECRET]),
        Vault([OTHER, None, SECRET]),
    ):
        opened = vault.open(row)
        assert isinstance(opened, Ed25519PrivateKey)
        assert opened.private_bytes_raw() == signer.private.private_bytes_raw()
    assert repr(row) == f"KeyRow({row.key!r})"


async def test_without_a_secret_a_seed_is_stored_as_those_of_tokens_are(store):
    ring = Keyring(store.pool, Vault([None, None]))
    signer = await current(ring, store.pool)
    (row,) = await TicketKeys(store.pool).all()
    assert (row.sealed, row.seed) == (False, signer.private.private_bytes_raw())
    # A secret that comes later opens it, too.
    assert Vault([SECRET]).open(row) is not None


async def test_a_further_key_signs_from_the_next_day_on_and_both_are_believed(store):
    ring = Keyring(store.pool, Vault([SECRET]))
    first = await current(ring, store.pool, "org")
    keys = await ring.rotate("org")
    assert [one.number for one in keys] == [2, 1]
    waits = keys[0].signs_from - keys[1].signs_from
    assert abs(waits.total_seconds() - RIPE_S) < 60
    assert (await current(ring, store.pool, "org")).key == first.key
    assert await ring.rotate("org") == keys
    await ripen(store.pool)
    assert (await current(ring, store.pool, "org")).key == keys[0].key
    assert set(await ring.public_keys("org")) == {one.key for one in keys}
    assert (await ring.signers({first.key: "org"}))[first.key].key == first.key


async def test_where_the_secret_is_lost_new_codes_get_a_new_key(store):
    old = await current(Keyring(store.pool, Vault([SECRET])), store.pool, "org")
    ring = Keyring(store.pool, Vault([OTHER]))
    new = await current(ring, store.pool, "org")
    assert new.key != old.key
    assert (await ring.signers({old.key: "org"}))[old.key].key == new.key
    # What is printed already is still checked with the key of before.
    assert set(await ring.public_keys("org")) == {old.key, new.key}
