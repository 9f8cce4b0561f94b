"""What a calendar program reads out of our files."""

import re
from datetime import UTC, datetime

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
