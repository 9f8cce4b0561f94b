import asyncio
import math

import pytest

from persistence.people.tokens.token_keys import TokenKeys

pytestmark = pytest.mark.postgres


@pytest.fixture
def keys(store):
    return TokenKeys(store.pool)


async def test_servers_that_start_together_sign_with_one_key(keys):
    answers = await asyncio.gather(*(keys.read(math.inf) for _ in range(4)))
    found = {tuple(one.seed for one in answer) for answer in answers}
    assert len(found) == 1
    (key,) = await keys.read(math.inf)
    assert len(key.seed) == 32
    assert key.age_s < 60


async def test_a_key_that_is_old_enough_is_followed_by_one_more(keys, store):
    (first,) = await keys.read(3_600.0)
    await store.pool.fetch(
        "UPDATE token_key SET created_at = created_at - interval '3700 s'"
    )
    answers = await asyncio.gather(*(keys.read(3_600.0) for _ in range(4)))
    assert {len(answer) for answer in answers} == {2}
    new, old = answers[0]
    assert (old.seed, new.age_s < 60 < old.age_s) == (first.seed, True)
    await keys.forget([first.seed])
    assert [one.seed for one in await keys.read(3_600.0)] == [new.seed]


async def test_secrets_of_former_times_are_kept_but_not_made(keys, store):
    assert await keys.old_keys() == []
    await store.pool.fetch("INSERT INTO signing_key VALUES ('1', $1)", b"1" * 32)
    (key,) = await keys.old_keys()
    assert (key.kid, key.secret) == ("1", b"1" * 32)


async def test_no_log_shows_a_secret(keys):
    (key,) = await keys.read(math.inf)
    assert key.seed.hex() not in repr(key)
    assert str(key.seed) not in repr(key)
