from typing import get_args

import msgspec
import pytest

from inventory.changes import (
    AnyChange,
    BookingCancelled,
    BookingReduced,
    EntrantsFixed,
    EventConfigured,
    HoldBooked,
    HoldExpired,
    HoldExtended,
    HoldPledged,
    HoldReleased,
    HoldsKept,
    LineDrawn,
    LineFed,
    LineOpened,
    LineSet,
    LineTuned,
    PlaceLeft,
    PlaceLimited,
    PlacePaused,
    PlaceResumed,
    PledgeEnded,
    PresenceNoted,
    RoundPutOff,
    SaleChanged,
    SeatsBlocked,
    SeatsHeld,
    SeatsUnblocked,
    TurnEnded,
    TurnExtended,
    TurnGiven,
    TurnGranted,
    TurnsKept,
    WishesRecast,
    WishSet,
)
from inventory.line.wishes import Wish
from inventory.ports import JournalRow
from inventory.prices import Prices
from inventory.settings import Money, Settings
from inventory.venue.map import Area, Category, Seat, Venue, VenueMap
from server.events.sales.rest_journal import describe, entries_of, name_of_hold

VENUE = Venue(
    VenueMap(
        seats=[
            Seat(index=i, label=f"A-{i + 1}", number=str(i + 1), category="1", x=i, y=0)
            for i in range(3)
        ],
        areas=[Area(label="GA1", capacity=10, category="1")],
        categories=[Category(key="1", label="Stalls")],
    )
)
TOKEN = "a-very-secret-token"
CHANGES: list[AnyChange] = [
    SeatsHeld(
        TOKEN, "usr_1", (0, 2), {0: 4}, 1_000, Prices("EUR", (5, 6), ((0, 4, 2),))
    ),
    HoldExtended(TOKEN, 2_000),
    HoldReleased(TOKEN, (0,), {0: 1}),
    HoldBooked(TOKEN, "bkg_1", "REF", None),
    BookingCancelled("bkg_1"),
    HoldExpired(TOKEN),
    SeatsBlocked((1,), {}, "Press"),
    SeatsUnblocked((1,), {0: 2}),
    SaleChanged("paused"),
    EventConfigured(Settings(name="x", starts_at_ms=0)),
    HoldsKept(5_000),
    HoldPledged(TOKEN, "ord_1", 6_000, Prices("EUR", (5, 6), ((0, 4, 2),))),
    PledgeEnded(TOKEN, 7_000),
    BookingReduced("bkg_1", (0,), {0: 1}, Money(7, "EUR")),
    LineOpened(1, "fifo", "{}", b"h", b"c"),
    RoundPutOff(1, 2, "slow"),
    EntrantsFixed(0, b"r", 1, None, None),
    LineDrawn("none", None, None, b"s", b"h", b"k"),
    LineFed(1, ("usr_1",), b"s", b"\0\0", (), (), 1),
    LineTuned(1_600, 1_440, 0),
    PresenceNoted((1,), ()),
    TurnGiven(
        1,
        "usr_1",
        "line",
        8_000,
        TOKEN,
        (0,),
        {},
        9_000,
        Prices("EUR", (5,), ()),
        "1",
        1,
    ),
    TurnExtended(1, 8_000),
    TurnsKept(9_000),
    TurnEnded(1, "usr_1", "booked", (TOKEN,)),
    TurnGranted("usr_1", 8_000, "presale"),
    LineSet("pause"),
    WishSet(1, 0, ()),
    WishesRecast(((1, 2),), (Wish(2),)),
    PlacePaused(1),
    PlaceLimited(1),
    PlaceResumed(1),
    PlaceLeft(1),
]


def row(base: int, changes: list[AnyChange]) -> JournalRow:
    body = msgspec.msgpack.encode(changes)
    return JournalRow(base, base + len(changes), 0, body, b"")


def told(change: AnyChange) -> dict[str, object]:
    entry = msgspec.to_builtins(describe(change, 7, 0, VENUE))
    assert (entry.pop("version"), entry.pop("at")) == (7, "1970-01-01T00:00:00Z")
    return dict(entry)


def test_every_kind_of_change_is_in_this_file():
    assert {type(change) for change in CHANGES} == set(get_args(AnyChange))


def test_a_turn_tells_what_is_held_for_whom_and_no_rank():
    given = next(one for one in CHANGES if type(one) is TurnGiven)
    assert told(given) == {
        "change": "turn",
        "hold": name_of_hold(TOKEN),
        "user": "usr_1",
        "seats": ["A-1"],
        "areas": {},
        "deadline": "1970-01-01T00:00:09Z",
        "until": "1970-01-01T00:00:08Z",
        "why": "line",
        "total": {"amount": 5, "currency": "EUR"},
    }
    assert told(TurnGiven(1, "usr_1", "returned", 8_000)) == {
        "change": "turn",
        "user": "usr_1",
        "seats": [],
        "areas": {},
        "until": "1970-01-01T00:00:08Z",
        "why": "returned",
    }


def test_why_seats_are_off_sale_is_told_where_it_was_said():
    blocked = next(one for one in CHANGES if type(one) is SeatsBlocked)
    assert told(blocked)["reason"] == "Press"
    assert "reason" not in told(SeatsBlocked((1,), {}))


def test_who_waits_where_is_not_told():
    for change in CHANGES:
        if type(change) in (LineFed, PresenceNoted, WishSet, PlaceLeft):
            assert told(change).keys() == {"change"}


def test_seats_and_areas_have_their_labels():
    assert told(CHANGES[0]) == {
        "change": "held",
        "hold": name_of_hold(TOKEN),
        "user": "usr_1",
        "seats": ["A-1", "A-3"],
        "areas": {"GA1": 4},
        "deadline": "1970-01-01T00:00:01Z",
        "total": {"amount": 19, "currency": "EUR"},
    }


@pytest.mark.parametrize("prices", [None, Prices(None, (0, 0), ())])
def test_what_has_no_price_or_kept_none_has_no_total(prices):
    assert "total" not in told(SeatsHeld(TOKEN, "usr_1", (0, 2), {}, 1_000, prices))
    assert "total" not in told(CHANGES[3])
    total = Money(7, "EUR")
    booked = HoldBooked(TOKEN, "bkg_1", "REF", None, total)
    assert told(booked)["total"] == {"amount": 7, "currency": "EUR"}


def test_a_booking_names_its_hold_so_that_one_can_follow_it():
    assert told(CHANGES[3]) == {
        "change": "booked",
        "hold": name_of_hold(TOKEN),
        "booking": "bkg_1",
        "reference": "REF",
        "order": None,
    }


def test_a_pledge_names_its_order_its_end_and_what_it_costs():
    assert told(CHANGES[11]) == {
        "change": "pledged",
        "hold": name_of_hold(TOKEN),
        "order": "ord_1",
        "until": "1970-01-01T00:00:06Z",
        "total": {"amount": 19, "currency": "EUR"},
    }
    assert told(CHANGES[12]) == {
        "change": "unpledged",
        "hold": name_of_hold(TOKEN),
        "deadline": "1970-01-01T00:00:07Z",
    }


def test_a_part_that_is_given_back_says_what_of_which_booking():
    assert told(CHANGES[13]) == {
        "change": "reduced",
        "booking": "bkg_1",
        "seats": ["A-1"],
        "areas": {"GA1": 1},
        "total": {"amount": 7, "currency": "EUR"},
    }


def test_a_change_of_the_sale_says_to_what():
    assert told(CHANGES[8]) == {"change": "sale", "status": "paused"}


def test_settings_have_the_names_that_clients_know():
    settings = told(CHANGES[9])["settings"]
    assert isinstance(settings, dict)
    assert settings["starts_at"] == "1970-01-01T00:00:00Z"
    assert settings["deleted"] is False


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_no_change_tells_the_token_of_a_hold(change):
    assert TOKEN.encode() not in msgspec.json.encode(describe(change, 1, 0, VENUE))


def test_versions_are_counted_through_batches():
    rows = [row(0, CHANGES[:4]), row(4, CHANGES[4:6]), row(6, CHANGES[6:])]
    entries = entries_of(rows, 0, VENUE, 100)
    assert [entry.version for entry in entries] == list(range(1, len(CHANGES) + 1))


def test_a_page_may_begin_and_end_inside_a_batch():
    rows = [row(0, CHANGES[:4]), row(4, CHANGES[4:])]
    entries = entries_of(rows, 2, VENUE, 5)
    assert [entry.version for entry in entries] == [3, 4, 5, 6, 7]
