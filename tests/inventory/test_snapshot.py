"""Recovery snapshots: the same state, or none at all."""

from hashlib import sha256

import pytest
from msgspec import msgpack

from inventory.records import Corrupt
from inventory.snapshot import (
    FORMAT,
    UnknownFormat,
    decode_snapshot,
    encode_slices,
    encode_snapshot,
    join_slices,
    take_snapshot,
)
from inventory.state import Stock
from tests.scenario import NOW_MS, SMALL, Scene, hall, play, settings_of

BUSY = """
    ann | hold A-1 A-2 GA*3      | ok hold=h1
    bob | hold B-1 GA*1          | ok hold=h2
    bob | book h2 order=o-1      | ok booking=b1
    zoe | hold C-4 ttl=1         | ok hold=h3
    ann | hold C-1               | ok hold=h4
    org | block A-4 GA*2         | ok
    org | configure max_per_user=9 | ok
    tick +10s
    ann | extend h4 ttl=600      | ok
"""


def restored(scene: Scene) -> Stock:
    return decode_snapshot(encode_snapshot(scene.stock), scene.venue)


def test_an_empty_event_comes_back():
    stock = restored(Scene(SMALL, settings_of()))
    assert stock.hash() == Stock(SMALL, settings_of()).hash()
    stock.check()


def test_a_busy_event_comes_back():
    scene = play(BUSY)
    stock = restored(scene)
    assert stock.hash() == scene.stock.hash()
    assert (stock.version, stock.at_ms) == (scene.stock.version, NOW_MS + 10_000)
    stock.check()
    assert stock.users == scene.stock.users
    assert stock.expired == scene.stock.expired
    assert stock.next_deadline_ms() == scene.stock.next_deadline_ms()


def test_a_snapshot_of_before_there_were_reasons_is_read():
    scene = play("org | block A-4 | ok")
    former = take_snapshot(scene.stock)
    fields = [getattr(former, name) for name in former.__struct_fields__]
    body = msgpack.encode(fields[: former.__struct_fields__.index("reasons")])
    stock = decode_snapshot(sha256(body).digest() + body, SMALL)
    assert (stock.hash(), stock.reasons) == (scene.stock.hash(), {})


def test_why_seats_are_off_sale_comes_back():
    scene = play("""
        org | block A-1 reason=Press | ok
        org | block A-2              | ok
    """)
    stock = restored(scene)
    assert stock.reasons == {0: "Press"}
    assert stock.hash() == scene.stock.hash()
    stock.check()


def test_what_comes_back_goes_on_as_the_first_would():
    scene, other = play(BUSY), play(BUSY)
    other.stock = restored(scene)
    other.apply = other.stock.apply
    rows = """
        zoe | book h3        | hold_expired
        bob | cancel b1      | ok has=B-1,GA*1
        ann | hold A-4       | seat_not_free seats=A-4
        ann | holding        | ok holds=h1:A-1,A-2,GA*3;h4:C-1
        ann | book h1        | ok booking=b2
        tick +700s
        expect seats A=bbfx C=ffff GA=5/0/3/2
    """
    for one in (scene, other):
        one.play(rows)
    assert scene.stock.hash() == other.stock.hash()


def test_a_snapshot_is_of_the_state_when_it_was_taken(monkeypatch):
    """Whatever happens to all that it names while it is encoded, slice by slice."""
    monkeypatch.setattr("inventory.snapshot.SLICE_RECORDS", 1)
    scene = play(BUSY)
    before = scene.stock.hash()
    slices = encode_slices(take_snapshot(scene.stock))
    first = next(slices)
    scene.play("""
        ann | release h1 A-1 GA*1 | ok
        ann | hold A-1 hold=h4    | ok
        ann | extend h1 ttl=600   | ok
        bob | cancel b1           | ok
        org | configure max_per_user=8 | ok
        ann | book h1             | ok
        tick +700s
    """)
    assert scene.stock.hash() != before
    body = join_slices([first, *slices])
    assert decode_snapshot(body, SMALL).hash() == before


@pytest.mark.parametrize("place", [0, 5, 40, -1])
def test_a_damaged_snapshot_is_refused(place):
    body = bytearray(encode_snapshot(play(BUSY).stock))
    body[place] ^= 0x55
    with pytest.raises(Corrupt):
        decode_snapshot(bytes(body), SMALL)


@pytest.mark.parametrize("size", [0, 10, 32, 100])
def test_half_a_snapshot_is_refused(size):
    with pytest.raises(Corrupt):
        decode_snapshot(encode_snapshot(play(BUSY).stock)[:size], SMALL)


def test_no_byte_of_a_snapshot_can_change_unnoticed():
    good = encode_snapshot(play("ann | hold A-1 GA*1 | ok").stock)
    for place in range(len(good)):
        body = bytearray(good)
        body[place] ^= 1
        with pytest.raises(Corrupt):
            decode_snapshot(bytes(body), SMALL)


def test_a_snapshot_of_another_venue_is_refused():
    with pytest.raises(Corrupt, match="another venue"):
        decode_snapshot(encode_snapshot(play(BUSY).stock), hall("A 11"))


def test_a_snapshot_of_another_format_is_refused(monkeypatch):
    monkeypatch.setattr("inventory.snapshot.FORMAT", FORMAT + 1)
    body = encode_snapshot(play(BUSY).stock)
    monkeypatch.undo()
    with pytest.raises(UnknownFormat):
        decode_snapshot(body, SMALL)


def test_a_snapshot_of_something_else_is_refused():
    """Well stored, but no snapshot: what a future version might leave behind."""
    body = msgpack.encode({"a": 1})
    body = sha256(body).digest() + body
    with pytest.raises(Corrupt, match="cannot be read"):
        decode_snapshot(body, SMALL)
