"""What a calendar program reads out of our files."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from server.events.catalogue.calendar.icalendar import (
    CalendarEvent,
    encode_calendar,
    escape,
    fold,
)

EVENT = CalendarEvent(
    event="evt_1",
    name="Così fan tutte; or, so they say \\ sing",
    sale_state="on_sale",
    starts_at=datetime(2030, 12, 31, 19, tzinfo=UTC),
    ends_at=datetime(2030, 12, 31, 22, 30, tzinfo=UTC),
    created_at=datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    changed_at=datetime(2030, 2, 3, 4, 5, 6, tzinfo=UTC),
    sequence=7,
    description="First line,\nsecond; line\r\n\r\nlast" + " and on" * 40,
    location="Großes Haus, links",
    categories=("Opera", "quiet, late"),
)
YEAR_S = 365 * 86_400
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def unfold(data: bytes) -> list[str]:
    """The lines of a file, as RFC 5545 (3.1) has them read."""
    text = data.decode()
    assert text.endswith("\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def unescape(value: str) -> str:
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value)


def split(value: str) -> list[str]:
    return [unescape(part) for part in re.split(r"(?<!\\),", value)]


def read(data: bytes) -> dict[str, str]:
    lines = unfold(data)
    assert lines[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]
    assert lines[-2:] == ["END:VEVENT", "END:VCALENDAR"]
    start = lines.index("BEGIN:VEVENT")
    pairs = [line.partition(":") for line in lines[start + 1 : -2]]
    assert len({name for name, _, _ in pairs}) == len(pairs)
    return {name: value for name, _, value in pairs}


def test_a_calendar_reads_what_we_wrote():
    found = read(encode_calendar(EVENT))
    assert found["UID"] == "evt_1@onsale"
    assert found["CREATED"] == "20300102T030405Z"
    assert found["DTSTAMP"] == found["LAST-MODIFIED"] == "20300203T040506Z"
    assert found["SEQUENCE"] == "7"
    assert (found["DTSTART"], found["DTEND"]) == (
        "20301231T190000Z",
        "20301231T223000Z",
    )
    assert unescape(found["SUMMARY"]) == EVENT.name
    assert unescape(found["DESCRIPTION"]) == EVENT.description.replace("\r\n", "\n")
    assert unescape(found["LOCATION"]) == EVENT.location
    assert split(found["CATEGORIES"]) == list(EVENT.categories)
    assert found["STATUS"] == "CONFIRMED"


def test_what_an_event_has_not_is_not_told():
    found = read(
        encode_calendar(
            CalendarEvent(
                event="evt_1",
                name="x",
                sale_state="cancelled",
                starts_at=EVENT.starts_at,
                ends_at=None,
                created_at=EVENT.created_at,
                changed_at=EVENT.created_at,
                sequence=0,
            )
        )
    )
    told = {"UID", "DTSTAMP", "DTSTART", "SUMMARY", "STATUS"}
    told |= {"CREATED", "LAST-MODIFIED", "SEQUENCE", "DTEND"}
    assert (set(found), found["STATUS"]) == (told, "CANCELLED")


def test_an_event_without_an_end_has_one_in_calendars():
    found = read(encode_calendar(replace(EVENT, ends_at=None)))
    assert (found["DTSTART"], found["DTEND"]) == (
        "20301231T190000Z",
        "20301231T220000Z",
    )


def zoned(zone: str, starts: str, ends: str) -> CalendarEvent:
    return replace(
        EVENT,
        zone=ZoneInfo(zone),
        starts_at=datetime.fromisoformat(starts),
        ends_at=datetime.fromisoformat(ends),
    )


def offset_of(text: str) -> timedelta:
    digits = text[1:].ljust(6, "0")
    hours, minutes, seconds = (int(digits[n : n + 2]) for n in (0, 2, 4))
    size = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -size if text[0] == "-" else size


def clock(text: str) -> datetime:
    """What a clock shows, as if it stood in UTC."""
    return datetime.strptime(f"{text}Z", "%Y%m%dT%H%M%S%z")


def instant(data: bytes, name: str) -> datetime:
    """The moment of a property, by what the file itself says of its zone."""
    found = read(data)
    (key,) = [one for one in found if one.partition(";")[0] == name]
    time = clock(found[key].rstrip("Z"))
    if found[key].endswith("Z"):
        assert key == name
        return time
    text = data.decode().replace("\r\n ", "")
    (zone,) = re.findall("BEGIN:VTIMEZONE\r\n(.*?)END:VTIMEZONE", text, re.DOTALL)
    assert f"TZID:{key.partition('=')[2]}\r\n" in zone
    parts = re.findall(r"BEGIN:(STANDARD|DAYLIGHT)\r\n(.*?)END:\1", zone, re.DOTALL)
    told = [dict(re.findall(r"(\w+):(\S+)", part)) for _, part in parts]
    onsets = [(clock(one["DTSTART"]), offset_of(one["TZOFFSETTO"])) for one in told]
    # An onset is on the clocks as they were before it (3.6.5).
    _, offset = max(one for one in onsets if one[0] <= time)
    return time - offset


def test_an_event_in_a_zone_is_told_on_the_clocks_of_the_zone():
    # Summer time in Berlin ends between its beginning and its end.
    event = zoned("Europe/Berlin", "2026-10-24T22:00+02:00", "2026-10-25T06:00+01:00")
    data = encode_calendar(event)
    found = read(data)
    assert found["DTSTART;TZID=Europe/Berlin"] == "20261024T220000"
    assert found["DTEND;TZID=Europe/Berlin"] == "20261025T060000"
    # What is not of the evening itself stays in UTC.
    assert found["DTSTAMP"].endswith("Z")
    lines = unfold(data)
    zone = lines[lines.index("BEGIN:VTIMEZONE") : lines.index("END:VTIMEZONE") + 1]
    assert zone == [
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Berlin",
        "BEGIN:DAYLIGHT",
        "DTSTART:20261023T220000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0200",
        "TZNAME:CEST",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20261025T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
        "END:STANDARD",
        "END:VTIMEZONE",
    ]
    assert lines[3] == "X-WR-TIMEZONE:Europe/Berlin"


def test_the_hour_that_comes_again_is_told_in_utc():
    event = zoned("Europe/Berlin", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00")
    data = encode_calendar(event)
    assert read(data)["DTSTART;TZID=Europe/Berlin"] == "20261025T023000"
    assert read(data)["DTEND"] == "20261025T013000Z"
    assert instant(data, "DTSTART") == event.starts_at


@given(
    st.sampled_from(
        [
            "Europe/Berlin",
            "America/St_Johns",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "Pacific/Apia",
            "Africa/Casablanca",
            "Etc/GMT+1",
        ]
    ),
    st.integers(-90 * YEAR_S, 120 * YEAR_S),
    st.integers(1, 3 * YEAR_S),
)
def test_what_a_calendar_reads_is_the_moment_that_it_was(zone, starts_s, length_s):
    starts = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=starts_s)
    ends = starts + timedelta(seconds=length_s)
    event = replace(EVENT, zone=ZoneInfo(zone), starts_at=starts, ends_at=ends)
    data = encode_calendar(event)
    assert (instant(data, "DTSTART"), instant(data, "DTEND")) == (starts, ends)


@pytest.mark.parametrize("year", [2, 9998])
def test_the_first_and_the_last_years_can_be_told(year):
    starts = datetime(year, 1, 1, tzinfo=UTC)
    event = replace(
        EVENT, zone=ZoneInfo("America/New_York"), starts_at=starts, ends_at=None
    )
    data = encode_calendar(event)
    assert instant(data, "DTSTART") == starts
    assert instant(data, "DTEND") == starts + timedelta(hours=3)


@pytest.mark.parametrize(
    ("state", "status"),
    [("draft", "TENTATIVE"), ("scheduled", "CONFIRMED"), ("completed", "CONFIRMED")],
)
def test_the_status_follows_the_sale(state, status):
    assert read(encode_calendar(replace(EVENT, sale_state=state)))["STATUS"] == status


@given(TEXTS, TEXTS)
def test_no_text_ends_its_line(name, description):
    event = replace(EVENT, name=name, description=description)
    found = read(encode_calendar(event))
    kept = re.sub(r"\r\n|\r|\n", "\n", name)
    kept = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", kept)
    assert unescape(found["SUMMARY"]) == kept


@given(TEXTS)
def test_a_folded_line_unfolds_to_itself(text):
    line = escape(text)
    assert unfold(fold(line).encode()) == [line]
