"""Zones of the world's clocks, where they jump."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.zones import is_kept, is_zone, local_time, moved_along, zone_of

KEPT = st.integers(-62_100_000_000_000, 253_300_000_000_000)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


@pytest.mark.parametrize(
    "name",
    ["UTC", "Europe/Berlin", "Etc/GMT+1", "America/Argentina/Ushuaia", "Asia/Kolkata"],
)
def test_what_the_database_has_is_a_zone(name):
    assert is_zone(name)
    assert zone_of(name).key == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Europe",
        "Europe/",
        "Europe/Bärlin",
        "Europe/Atlantis",
        "CEST",
        "+01:00",
        "/usr/share/zoneinfo/UTC",
        "../zoneinfo/UTC",
        "posix/Europe/Berlin",
        "right/Europe/Berlin",
        "posixrules",
        "localtime",
        "Factory",
        "zone.tab",
        "leapseconds",
        "UTC\n",
        "UTC\0",
        "A" * 65,
    ],
)
def test_what_it_has_not_is_none(name):
    assert not is_zone(name)


def test_a_stored_zone_that_this_machine_lacks_is_read_as_utc():
    assert zone_of("Europe/Atlantis").key == "UTC"


# Summer time in Berlin begins on 2026-03-29 and ends on 2026-10-25, at 01:00 UTC.
@pytest.mark.parametrize(
    ("at", "former", "now", "expected"),
    [
        # Ten o'clock stays ten o'clock, over the end and over the beginning.
        ("10-24T10:00+02:00", "10-24T19:00+02:00", "10-25T19:00+01:00", "10-25T10:00"),
        ("10-25T10:00+01:00", "10-25T19:00+01:00", "10-24T19:00+02:00", "10-24T10:00"),
        ("03-28T10:00+01:00", "03-28T19:00+01:00", "03-29T19:00+02:00", "03-29T10:00"),
        # By hours and minutes, not only by days.
        ("10-24T10:00+02:00", "10-24T19:00+02:00", "10-26T20:30+01:00", "10-26T11:30"),
        # Half past two is left out in spring: it is later by what the clocks jump.
        ("03-28T02:30+01:00", "03-28T19:00+01:00", "03-29T19:00+02:00", "03-29T03:30"),
    ],
)
def test_both_are_as_far_apart_on_the_clocks_as_before(at, former, now, expected):
    zone = zone_of("Europe/Berlin")
    times = (ms(f"2026-{time}") for time in (at, former, now))
    moved = local_time(moved_along(*times, zone), zone)
    assert f"{moved:%m-%dT%H:%M}" == expected


@pytest.mark.parametrize("offset", ["+02:00", "+01:00"])
def test_in_an_hour_that_comes_twice_the_end_stays_after_the_beginning(offset):
    begins, ends = ms("2026-10-24T02:10+02:00"), ms("2026-10-24T02:40+02:00")
    now = ms(f"2026-10-25T02:10{offset}")
    moved = moved_along(ends, begins, now, zone_of("Europe/Berlin"))
    assert moved == ms(f"2026-10-25T02:40{offset}")


@given(KEPT, KEPT, ZONES)
def test_what_does_not_move_leaves_all_as_it_is(at, begins, zone):
    assert moved_along(at, begins, begins, zone_of(zone)) == at


@given(KEPT, KEPT, ZONES)
def test_what_begins_with_the_other_goes_where_that_goes(begins, now, zone):
    assert moved_along(begins, begins, now, zone_of(zone)) == now


@given(KEPT, KEPT, KEPT, ZONES)
def test_a_result_beyond_all_dates_is_one_that_is_not_kept(at, begins, now, zone):
    moved = moved_along(at, begins, now, zone_of(zone))
    far = at + now - begins
    day = 86_400_000
    assert abs(moved - far) <= 2 * day
    if not -62_135_596_800_000 + 2 * day < far < 253_402_300_800_000 - 2 * day:
        assert not is_kept(moved)
