"""What `persistence` finds with it, in real tables, is in tests/persistence."""

from msgspec import msgpack

from inventory.audit import CheckedSnapshot, Differences, Replay
from inventory.batch import chained
from inventory.changes import (
    BookingCancelled,
    BookingReduced,
    HoldBooked,
    HoldExpired,
    HoldExtended,
    HoldPledged,
    SeatsHeld,
)
from inventory.limits import DIFFERENCES_MAX
from inventory.ports import JournalRow
from inventory.prices import Prices
from inventory.settings import Money, Settings, Sum
from inventory.snapshot import encode_snapshot
from inventory.state import Stock
from inventory.venue.map import Category, Seat, Venue, VenueMap

EVENT = "evt"
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
        to = version + len(changes)
        chain = chained(chain, EVENT, version, to, 1, body)
        rows.append(JournalRow(version, to, 1, body, chain))
        version = to
    return rows


def replayed(rows: list[JournalRow]) -> Replay:
    replay = Replay(EVENT, a_venue(), SETTINGS, Differences())
    for row in rows:
        replay.read(row, 1)
    replay.finish()
    return replay


HELD = SeatsHeld("h", "ann", (0, 1), {}, 1)
BOOKED = HoldBooked("h", "b", "REF", None)


def test_a_sound_journal_has_no_differences_and_counts_the_revenue():
    replay = replayed(rows_of([HELD, BOOKED]))
    assert replay.differences.sentences() == []
    assert replay.revenue() == [Sum(1_000, "EUR")]
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
    twice = SeatsHeld("other", "bob", (1, 2), {}, 1)
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


def found_in(
    *rows: JournalRow, snapshot: CheckedSnapshot | None = None, epochs: tuple[int, ...]
) -> str:
    replay = Replay(EVENT, a_venue(), SETTINGS, Differences(), snapshot)
    for row, epoch in zip(rows, epochs, strict=True):
        replay.read(row, epoch)
    replay.finish()
    return " ".join(replay.differences.sentences())


def test_epochs_and_times_never_go_back():
    one, two = rows_of([HELD], [BOOKED])
    assert "of epoch 1, after one of epoch 2" in found_in(one, two, epochs=(2, 1))
    older = JournalRow(two.base, two.to, 0, two.body, two.chain)
    assert "older than the batch before" in found_in(one, older, epochs=(1, 1))
    assert found_in(one, two, epochs=(1, 2)) == ""


def test_what_cannot_be_read_is_told_without_its_secrets():
    (row,) = rows_of([HoldBooked("secret", "b", "REF", None)])
    found = found_in(row, epochs=(1,))
    assert "cannot be applied: KeyError" in found
    assert "secret" not in found


def test_a_batch_of_another_length_than_it_says_is_a_difference():
    (row,) = rows_of([HELD])
    longer = JournalRow(0, 2, 1, row.body, row.chain)
    assert "ends at version 1" in found_in(longer, epochs=(1,))


def test_a_hold_that_ended_before_its_time_is_a_difference():
    held = SeatsHeld("h", "ann", (0,), {}, 500)
    found = found_in(*rows_of([held, HoldExpired("h")]), epochs=(1,))
    assert "ends a hold of user ann 499 ms before its time" in found
    held = SeatsHeld("h", "ann", (0,), {}, 1)
    assert found_in(*rows_of([held, HoldExpired("h")]), epochs=(1,)) == ""


def test_a_hold_that_lasts_too_long_is_a_difference():
    held = SeatsHeld("h", "ann", (0,), {}, 600_000)
    found = found_in(*rows_of([held, HoldExtended("h", 1_200_002)]), epochs=(1,))
    assert "lets a hold of user ann last 1 ms too long" in found
    assert found_in(*rows_of([held, HoldExtended("h", 1_200_001)]), epochs=(1,)) == ""


def test_an_order_has_a_hold_longer_and_pays_what_is_left():
    prices = Prices("EUR", (45, 30), ())
    held = SeatsHeld("h", "ann", (0, 1), {}, 600_000, prices)
    pledged = HoldPledged("h", "o", 1_700_000, prices)
    booked = HoldBooked("h", "b", "REF", "o", Money(75, "EUR"), True)
    part = BookingReduced("b", (1,), {}, Money(30, "EUR"))
    replay = replayed(rows_of([held, pledged], [booked], [part]))
    assert replay.differences.sentences() == []
    assert replay.revenue() == [Sum(45, "EUR")]
    assert replay.reduced["b"].seats == ["A-0"]
    wrong = BookingReduced("b", (1,), {}, Money(31, "EUR"))
    found = found_in(*rows_of([held, pledged, booked, wrong]), epochs=(1,))
    assert "gives back 31 of a booking for 75, and 45 are left" in found


def test_a_user_beyond_the_limit_is_a_difference():
    settings = Settings(name="Café", starts_at_ms=1, max_per_user=1)
    replay = Replay(EVENT, a_venue(), settings, Differences())
    (row,) = rows_of([HELD])
    replay.read(row, 1)
    assert (
        "has 2 seats and places, and the limit is 1"
        in (replay.differences.sentences()[0])
    )


def test_bookings_of_an_event_without_prices_cost_nothing():
    replay = Replay(
        EVENT, a_venue(), Settings(name="Café", starts_at_ms=1), Differences()
    )
    (row,) = rows_of([HELD, BOOKED])
    replay.read(row, 1)
    assert replay.revenue() == []


def stored(*changes: SeatsHeld) -> CheckedSnapshot:
    stock = Stock(a_venue(), SETTINGS)
    for change in changes:
        stock.apply(change, 1)
    return CheckedSnapshot(stock.version, encode_snapshot(stock))


def test_a_stored_snapshot_equals_the_replay_at_its_version():
    rows = rows_of([HELD], [BOOKED])
    good = stored(HELD)
    assert found_in(*rows, snapshot=good, epochs=(1, 1)) == ""
    assert good.checked
    other = stored(SeatsHeld("h", "ann", (0, 2), {}, 1))
    assert "restores another state" in found_in(*rows, snapshot=other, epochs=(1, 1))


def test_a_snapshot_that_cannot_be_restored_is_a_difference():
    rows = rows_of([HELD])
    bad = CheckedSnapshot(1, b"nothing")
    assert "cannot be restored" in found_in(*rows, snapshot=bad, epochs=(1,))


def test_a_snapshot_that_no_batch_ends_at_is_a_difference():
    rows = rows_of([HELD, BOOKED])
    found = found_in(*rows, snapshot=stored(HELD), epochs=(1,))
    assert "No batch of the journal ends at version 1" in found


def test_a_state_that_contradicts_itself_is_a_difference():
    (row,) = rows_of([HELD])
    replay = Replay(EVENT, a_venue(), SETTINGS, Differences())
    replay.read(row, 1)
    replay.stock.users["ann"].count = 7
    replay.finish()
    assert "contradicts itself: I4" in replay.differences.sentences()[0]
