"""Zones of the world's clocks, where they jump."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.zones import (
    days_between,
    is_kept,
    is_zone,
    local_time,
    moved_along,
    zone_of,
)

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
    at_ms, former_ms, now_ms = (ms(f"2026-{time}") for time in (at, former, now))
    moved = local_time(moved_along(at_ms, former_ms, now_ms, zone), zone)
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


def days(zone: str, begin: str, end: str) -> list[str]:
    first, last = (datetime.fromisoformat(text) for text in (begin, end))
    found = days_between(first, last, zone_of(zone))
    return [one.isoformat(timespec="minutes").removesuffix("+00:00") for one in found]


def test_a_day_is_as_long_as_the_clocks_make_it():
    assert days("Europe/Berlin", "2026-10-23T22:00Z", "2026-10-26T10:00Z") == [
        "2026-10-23T22:00",
        "2026-10-24T22:00",
        "2026-10-25T23:00",
        "2026-10-26T23:00",
    ]


def test_a_day_that_began_before_is_not_told():
    assert days("Europe/Berlin", "2026-10-23T22:01Z", "2026-10-24T22:01Z") == [
        "2026-10-24T22:00",
        "2026-10-25T23:00",
    ]
    assert days("Europe/Berlin", "2026-10-23T22:01Z", "2026-10-24T22:00Z") == []


def test_where_midnight_is_left_out_the_day_begins_when_the_clocks_jump():
    # Cairo goes from 23 April, 23:59 to 24 April, 01:00.
    assert days("Africa/Cairo", "2026-04-23T00:00Z", "2026-04-24T21:00Z") == [
        "2026-04-23T22:00",
        "2026-04-24T21:00",
    ]


def test_a_day_that_the_clocks_left_out_is_none():
    # In Apia there was no 30 December 2011.
    assert days("Pacific/Apia", "2011-12-29T00:00Z", "2011-12-31T12:00Z") == [
        "2011-12-29T10:00",
        "2011-12-30T10:00",
        "2011-12-31T10:00",
        "2012-01-01T10:00",
    ]


@given(
    KEPT,
    st.timedeltas(timedelta(0), timedelta(days=90)),
    ZONES,
)
def test_days_come_one_after_the_other_from_midnight_to_midnight(
    begin_ms, length, zone
):
    begin = local_time(begin_ms, zone_of("UTC")).astimezone(UTC)
    found = days_between(begin, begin + length, zone_of(zone))
    assert found == sorted(set(found))
    assert len(found) != 1
    assert all(begin <= one < begin + length for one in found[:-1])
    assert not found or found[-1] >= begin + length
    dates = [one.astimezone(zone_of(zone)).date() for one in found]
    assert len(set(dates)) == len(dates)
