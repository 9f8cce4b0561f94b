import time

import pytest
from msgspec.structs import replace

from persistence.errors import Unavailable
from persistence.people.api_keys import StoredKey
from server.people.api_keys.api_keys import Machines, make_key


class Store:
    """Finds keys, and notes how often it was asked and what was used."""

    def __init__(self) -> None:
        self.keys: dict[str, StoredKey] = {}
        self.asked = 0
        self.used: list[dict[str, float]] = []
        self.meanwhile = None

    async def find_by_prefix(self, prefix):
        self.asked += 1
        found = self.keys.get(prefix)
        if self.meanwhile is not None:
            self.meanwhile()
        return found

    async def note_used(self, used):
        self.used.append(dict(used))


FRESH = make_key()
STORED = StoredKey(
    "key_1", "org", FRESH.prefix, FRESH.hash, ["events:read"], None, None, None
)


@pytest.fixture
def store():
    store = Store()
    store.keys[FRESH.prefix] = STORED
    return store


@pytest.fixture
def machines(store):
    return Machines(store)


async def test_a_key_proves_a_machine_and_is_looked_up_once(machines, store):
    assert not machines.knows(FRESH.text)
    machine = await machines.identify(FRESH.text)
    assert (machine.user, machine.organisation) == ("key_1", "org")
    assert (machine.role, machine.scopes) == ("key", {"events:read"})
    assert not machine.organizer
    assert machines.knows(FRESH.text)
    assert await machines.identify(FRESH.text) is not None
    assert store.asked == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "onsale",
        FRESH.text[:-1],
        FRESH.text + "A",
        FRESH.text.upper(),
        FRESH.text[:-1] + ("A" if FRESH.text[-1] != "A" else "B"),
        f"onsale_{'0' * 12}_{'A' * 43}",
        f"onsale_{FRESH.prefix}_{'A' * 43}",
        f"onsale_{FRESH.prefix}_{'ü' * 43}",
    ],
    # The key is another one in each process that collects the tests.
    ids=[
        "nothing",
        "word",
        "short",
        "long",
        "upper",
        "last",
        "prefix",
        "secret",
        "utf8",
    ],
)
async def test_what_is_not_quite_a_key_proves_nothing(machines, text):
    assert await machines.identify(text) is None


async def test_a_key_that_was_forgotten_is_looked_up_anew(machines, store):
    await machines.identify(FRESH.text)
    machines.forget("other")
    assert machines.knows(FRESH.text)
    machines.forget("org")
    del store.keys[FRESH.prefix]
    assert await machines.identify(FRESH.text) is None


async def test_what_was_read_before_a_change_is_not_kept(machines, store):
    store.meanwhile = lambda: machines.forget("org")
    assert await machines.identify(FRESH.text) is not None
    assert not machines.knows(FRESH.text)


async def test_a_key_that_ends_while_it_is_read_proves_nothing(machines, store):
    def end() -> None:
        store.meanwhile = lambda: None
        store.keys.clear()
        machines.forget("org")

    store.meanwhile = end
    assert await machines.identify(FRESH.text) is None


async def test_a_key_is_not_believed_for_long(machines, monkeypatch):
    await machines.identify(FRESH.text)
    real = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: real + 60)
    assert not machines.knows(FRESH.text)


async def test_a_rotated_key_is_good_until_its_time_is_over(machines, store):
    new = make_key(FRESH.prefix)
    assert new.prefix == FRESH.prefix
    assert new.text != FRESH.text
    now_s = time.time()
    stored = replace(STORED, hash=new.hash, old_hash=FRESH.hash)
    for until_s, good in ((now_s + 60, True), (now_s - 1, False)):
        store.keys[FRESH.prefix] = replace(stored, old_until_s=until_s)
        machines.forget()
        assert await machines.identify(new.text) is not None
        assert (await machines.identify(FRESH.text) is not None) == good


async def test_an_expired_key_is_not_good_even_where_it_is_known(machines, store):
    store.keys[FRESH.prefix] = replace(STORED, expires_at_s=time.time() - 1)
    assert await machines.identify(FRESH.text) is None


async def test_the_use_of_a_key_is_written_at_most_once_a_minute(machines, store):
    for _ in range(3):
        await machines.identify(FRESH.text)
    await machines.note_used()
    await machines.identify(FRESH.text)
    await machines.note_used()
    assert [list(used) for used in store.used] == [["key_1"]]


def test_no_secret_is_shown_by_accident():
    assert FRESH.text not in repr(FRESH)
    assert repr(FRESH.hash) not in repr(FRESH) + repr(STORED)


async def test_a_use_that_could_not_be_written_is_written_later(machines, store):
    async def away(used):
        raise Unavailable("away")

    written, store.note_used = store.note_used, away
    await machines.identify(FRESH.text)
    with pytest.raises(Unavailable):
        await machines.note_used()
    store.note_used = written
    await machines.note_used()
    assert [list(used) for used in store.used] == [["key_1"]]
