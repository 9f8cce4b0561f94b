"""What former versions stored is read as what it meant to them."""

import pytest
from msgspec import json, msgpack
from msgspec.structs import replace

from inventory import commands
from inventory.audit import CheckedSnapshot, Differences, Replay
from inventory.changes import HoldBooked
from inventory.decide import decide
from inventory.keys import OUTCOMES
from inventory.loading import replay_row
from inventory.ports import JournalRow
from inventory.replies import BookOk
from inventory.rules.common import Request
from inventory.settings import Money, Settings
from inventory.snapshot import decode_snapshot, encode_snapshot
from inventory.state import Stock
from inventory.venue.map import Venue, VenueMap
from tests.line_scene import LineScene
from tests.scenario import EVENT, SMALL, SequentialIds
from tests.stored import stored

FILE = stored("before_prices")
EXPECTED = FILE["expected"]
VENUE = Venue(json.decode(json.encode(FILE["venue"]), type=VenueMap))
FIRST_SETTINGS = json.decode(FILE["first_settings"], type=Settings)
SETTINGS = json.decode(FILE["settings"], type=Settings)
ROWS = [
    JournalRow(
        row["base"],
        row["to"],
        row["at_ms"],
        bytes.fromhex(row["body"]),
        bytes.fromhex(row["chain"]),
    )
    for row in FILE["rows"]
]
SNAPSHOT = bytes.fromhex(FILE["snapshots"][-1]["body"])


def replayed() -> Stock:
    stock = Stock(VENUE, FIRST_SETTINGS)
    for row in ROWS:
        replay_row(stock, row)
    return stock


@pytest.mark.parametrize("stock", [replayed(), decode_snapshot(SNAPSHOT, VENUE)])
def test_the_state_is_what_it_was(stock):
    stock.check()
    assert (stock.version, stock.at_ms) == (EXPECTED["version"], EXPECTED["at_ms"])
    assert stock.letters.decode() == EXPECTED["letters"]
    assert [list(counts) for counts in stock.area_counts()] == EXPECTED["areas"]
    assert stock.settings == SETTINGS
    assert stock.expired == EXPECTED["expired"]
    assert sorted(stock.bookings) == EXPECTED["bookings"]
    assert {
        hold.token: [
            hold.user,
            list(hold.seats),
            {str(area): count for area, count in hold.areas.items()},
            hold.deadline_ms,
            hold.ends_ms,
        ]
        for hold in stock.holds.values()
    } == EXPECTED["holds"]


def test_settings_that_name_no_zone_are_in_utc():
    assert "timezone" not in FILE["settings"]
    assert SETTINGS.timezone == FIRST_SETTINGS.timezone == "UTC"


def test_journal_and_snapshot_give_the_same_state():
    assert replayed().hash() == decode_snapshot(SNAPSHOT, VENUE).hash()


def test_the_audit_finds_no_difference_and_the_same_revenue():
    differences = Differences()
    snapshot = CheckedSnapshot(EXPECTED["version"], SNAPSHOT)
    replay = Replay(EVENT, VENUE, FIRST_SETTINGS, differences, snapshot)
    for row in ROWS:
        replay.read(row, 1)
    replay.finish()
    assert differences.sentences() == []
    assert {
        booking: [money.amount, money.currency]
        for booking, money in replay.paid.items()
    } == EXPECTED["paid"]
    assert [
        [row.booking, row.reference, row.user, row.order, row.version]
        for row in replay.booked
    ] == [
        [row["booking"], row["reference"], row["user"], row["order"], row["version"]]
        for row in FILE["bookings"]
    ]


def test_what_was_held_by_a_former_version_is_priced_when_it_is_booked():
    stock = replayed()
    stock.check()
    stock.settings = replace(stock.settings, prices={"1": Money(70_000, "EUR")})
    assert all(hold.prices is None for hold in stock.holds.values())
    request = Request(stock, "eve", False, stock.at_ms, SequentialIds())
    change, reply = decide(commands.Book(id=1, event=EVENT, hold="h6"), request)
    assert isinstance(reply, BookOk)
    assert reply.total == Money(70_000, "EUR")
    assert isinstance(change, HoldBooked)
    stock.apply(change, stock.at_ms)
    stock.check()


def test_the_outcomes_of_keyed_commands_are_read():
    read = 0
    for kept in FILE["outcomes"]:
        kind = OUTCOMES.get(getattr(commands, kept["op"]))
        if kind is not None:
            msgpack.decode(bytes.fromhex(kept["outcome"]), type=kind)
            read += 1
    assert read > 10


LINELESS = stored("before_the_line")


def lineless(*, snapshot: bool) -> Stock:
    """A state as the code that knew no line stored it."""
    if snapshot:
        return decode_snapshot(bytes.fromhex(LINELESS["snapshots"][-1]["body"]), SMALL)
    settings = json.decode(LINELESS["first_settings"], type=Settings)
    stock = Stock(SMALL, settings)
    for row in LINELESS["rows"]:
        body, chain = bytes.fromhex(row["body"]), bytes.fromhex(row["chain"])
        replay_row(stock, JournalRow(row["base"], row["to"], row["at_ms"], body, chain))
    return stock


@pytest.mark.parametrize("snapshot", [True, False])
def test_what_knew_no_line_is_read_and_has_none(snapshot):
    stock, expected = lineless(snapshot=snapshot), LINELESS["expected"]
    stock.check()
    assert stock.line is None
    assert stock.settings.line is None
    assert (stock.version, stock.at_ms) == (expected["version"], expected["at_ms"])
    assert stock.letters.decode() == expected["letters"]
    assert [list(counts) for counts in stock.area_counts()] == expected["areas"]
    assert sorted(stock.holds) == expected["holds"]
    assert stock.expired == expected["expired"]
    assert stock.hash() == lineless(snapshot=not snapshot).hash()


def test_what_knew_no_line_goes_on_with_one():
    """A snapshot of format 1 is written again as one of format 2."""
    scene = LineScene(SMALL, "list")
    scene.open()
    stock = lineless(snapshot=True)
    for change, _ in scene.journal:
        stock.apply(change, stock.at_ms)
    again = decode_snapshot(encode_snapshot(stock), SMALL)
    assert again.line is not None
    assert again.hash() == stock.hash()
