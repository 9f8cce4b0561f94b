"""Caches: what they keep, what gives way, what they count."""

from typing import cast

import pytest

from server.transport.bus.bus import Bus
from server.transport.http.response_cache import (
    ALL,
    ENTRY_BYTES,
    LISTS,
    TOPIC,
    Cache,
    Caches,
)

BODY = bytes(1_000)
ENTRY = ENTRY_BYTES + len("a") + len(BODY)


def counted(cache: Cache) -> dict[str, int]:
    stats = cache.stats()
    names = ("entries", "hits", "misses", "evictions", "invalidations")
    return {name: getattr(stats, name) for name in names if getattr(stats, name)}


def test_an_answer_is_found_for_as_long_as_its_stamp_is_the_same():
    cache = Cache(10 * ENTRY)
    assert cache.get("a", 1) is None
    made = cache.put("a", BODY, stamp=1)
    assert cache.get("a", 1) is made
    assert cache.get("a", 2) is None
    assert cache.get("a", 1) is None, "it is gone, and not only hidden"
    assert counted(cache) == {"hits": 1, "misses": 3, "invalidations": 1}
    assert cache.stats().bytes == 0


def test_a_look_that_finds_nothing_is_no_miss_and_drops_nothing():
    cache = Cache(10 * ENTRY)
    cache.put("a", BODY, stamp=1)
    assert cache.find("a", 2) is None
    assert cache.find("b") is None
    assert cache.find("a", 1) is not None
    assert counted(cache) == {"entries": 1, "hits": 1}


def test_it_stays_within_its_bytes_and_keeps_what_was_asked_for_last():
    cache = Cache(2 * ENTRY)
    for name in ("a", "b"):
        cache.put(name, BODY)
    assert cache.find("a") is not None
    cache.put("c", BODY)
    assert cache.stats().bytes == 2 * ENTRY
    assert [cache.find(name) is not None for name in "abc"] == [True, False, True]
    assert cache.stats().evictions == 1


def test_many_small_answers_are_bounded_too():
    cache = Cache(20 * ENTRY_BYTES)
    for number in range(1_000):
        cache.put(f"q={number}", b"{}")
    assert cache.stats().entries < 20


def test_an_answer_put_twice_is_counted_once():
    cache = Cache(10 * ENTRY)
    cache.put("a", BODY, stamp=1)
    cache.put("a", BODY, stamp=2)
    assert (cache.stats().entries, cache.stats().bytes) == (1, ENTRY)


def test_what_is_dropped_at_once_begins_a_generation():
    cache = Cache(10 * ENTRY)
    before = cache.generation
    cache.put("a", BODY)
    cache.invalidate()
    assert cache.generation != before
    cache.put("a", BODY)
    cache.clear()
    assert counted(cache) == {"invalidations": 1}
    assert cache.stats().bytes == 0


def test_the_tag_is_that_of_the_body_unless_given():
    cache = Cache(10 * ENTRY)
    one, other = cache.put("a", b"x"), cache.put("b", b"y")
    assert one.etag != other.etag
    assert cache.put("c", b"x", '"mine"').etag == '"mine"'


class Wire:
    """A bus that carries everything at once, to all but the one who says it."""

    def __init__(self):
        self.status = "ok"
        self.handlers = []

    def subscribe(self, topic, handler, on_gap):
        assert topic == TOPIC
        self.handlers.append((handler, on_gap))

    def publish(self, topic, data, on_sent=None):
        assert topic == TOPIC
        for handler, _ in self.handlers:
            handler(data)
        return True

    def unsubscribe(self, topic):
        raise AssertionError(topic)


def filled(wire: Wire) -> Caches:
    caches = Caches()
    caches.connect(cast(Bus, wire))
    for cache in caches.all().values():
        cache.put("a", BODY)
    return caches


def held(caches: Caches) -> set[str]:
    return {name for name, cache in caches.all().items() if cache.stats().entries}


EVERY = {"availability", "events", "lists", "maps", "packed"}


def test_changed_settings_drop_the_lists_of_all_processes_and_nothing_else():
    wire = Wire()
    here, there = filled(wire), filled(wire)
    here.settings_changed()
    assert held(here) == held(there) == EVERY - {"lists"}


def test_clearing_reaches_all_processes():
    wire = Wire()
    here, there = filled(wire), filled(wire)
    here.clear_everywhere()
    assert held(here) == held(there) == set()


def test_lists_are_dropped_where_something_may_have_been_missed():
    wire = Wire()
    caches = filled(wire)
    for _, on_gap in wire.handlers:
        on_gap()
    assert held(caches) == EVERY - {"lists"}


@pytest.mark.parametrize("message", [b"", b"\xff", b"of a later version"])
def test_a_word_of_another_version_drops_the_lists(message):
    wire = Wire()
    caches = filled(wire)
    wire.publish(TOPIC, message)
    assert held(caches) == EVERY - {"lists"}
    assert message not in {ALL, LISTS}
