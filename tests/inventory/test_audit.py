"""What `persistence` finds with it, in real tables, is in tests/persistence."""

from msgspec import msgpack

from inventory.audit import Differences, Replay
from inventory.batch import chained
from inventory.changes import BookingCancelled, HoldBooked, SeatsHeld
from inventory.limits import DIFFERENCES_MAX
from inventory.ports import JournalRow
from inventory.settings import Money, Settings
from inventory.venue.map import Category, Seat, Venue, VenueMap

SETTINGS = Settings(name="Café", starts_at_ms=1, prices={"1": Money(500, "EUR")})


def a_venue() -> Venue:
    seats = [
        Seat(index=n, label=f"A-{n}", row="A", number=str(n), category="1", x=n, y=0)
        for n in range(4)
    ]
    categories = [Category(key="1", label="All")]
    return Venue(VenueMap(seats=seats, areas=[], categories=categories))


def rows_of(*batches: list[object]) -> list[JournalRow]:
    rows, version, chain = [], 0, b""
    for changes in batches:
        body = msgpack.encode(changes)
        chain = chained(chain, body)
        rows.append(JournalRow(version, version + len(changes), 1, body, chain))
        version += len(changes)
    return rows


def replayed(rows: list[JournalRow]) -> Replay:
    replay = Replay(a_venue(), SETTINGS, Differences())
    for row in rows:
        replay.read(row, 1)
    replay.finish()
    return replay


HELD = SeatsHeld("h", "ann", [0, 1], {}, 1)
BOOKED = HoldBooked("h", "b", "REF", None)


def test_a_sound_journal_has_no_differences_and_counts_the_revenue():
    replay = replayed(rows_of([HELD, BOOKED]))
    assert replay.differences.sentences() == []
    assert replay.revenue() == [Money(1_000, "EUR")]
    assert [row.seats for row in replay.booked] == [["A-0", "A-1"]]


def test_a_cancelled_booking_earns_nothing():
    assert replayed(rows_of([HELD, BOOKED], [BookingCancelled("b")])).revenue() == []


def test_behind_a_hole_nothing_is_applied_and_the_chain_is_still_checked():
    first, hole, next_, last = rows_of([HELD], [BOOKED], [HELD], [HELD])
    forged = JournalRow(last.base, last.to, 1, b"other", last.chain)
    replay = replayed([first, next_, forged])
    assert replay.broken
    assert replay.stock.version == first.to
    found = " ".join(replay.differences.sentences())
    assert f"to version {next_.to} follows {hole.to}" in found
    assert f"to version {last.to} breaks the hash chain" in found


def test_a_change_that_does_not_fit_stops_the_replay():
    twice = SeatsHeld("other", "bob", [1, 2], {}, 1)
    replay = replayed(rows_of([HELD], [twice]))
    assert replay.broken
    assert "cannot be applied: seat 1 is h" in " ".join(replay.differences.sentences())


def test_differences_are_counted_beyond_those_that_are_told():
    differences = Differences()
    for n in range(DIFFERENCES_MAX + 2):
        differences.add(f"Number {n}.")
    told = differences.sentences()
    assert differences.count == DIFFERENCES_MAX + 2
    assert told[-2:] == [f"Number {DIFFERENCES_MAX - 1}.", "And 2 more differences."]
