"""An event as an iCalendar file (RFC 5545), for people's calendars.

The UID follows from the event's id and never changes, so that a calendar which takes
the file again replaces what it had: SEQUENCE and LAST-MODIFIED tell it which is newer.

Times are those of the clocks of the event's zone, which the file brings along: so they
are shown, and an evening stays at 19:00 where a law moves summer time. An event in UTC
has them in UTC.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

LINE_OCTETS_MAX: Final = 75
"""Longer lines are folded (3.1)."""

USUAL_LENGTH: Final = timedelta(hours=3)
"""Of an event without an end; a venue is taken for so long. Without DTEND it would have
no length (3.6.1)."""

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)

PRODID: Final = "-//Onsale//Onsale//EN"

_STATUSES: Final = {"draft": "TENTATIVE", "cancelled": "CANCELLED"}
_ESCAPED: Final = re.compile(r"[\\;,]")
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class CalendarEvent(Struct, frozen=True, kw_only=True):
    """What a calendar shows of an event."""

    event: str
    name: str
    sale_state: str
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime
    changed_at: datetime
    sequence: int
    """How often it was changed."""
    zone: ZoneInfo = ZoneInfo("UTC")
    """On whose clocks its beginning and end are told."""
    description: str = ""
    location: str = ""
    categories: tuple[str, ...] = ()
    url: str | None = None


def encode_calendar(event: CalendarEvent) -> bytes:
    """Return the file that has this event in it."""
    return "".join(fold(line) for line in _lines(event)).encode()


def _lines(event: CalendarEvent) -> Iterator[str]:
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield f"PRODID:{PRODID}"
    starts, zone = event.starts_at.astimezone(UTC), event.zone
    ends = event.ends_at or starts + USUAL_LENGTH
    if zone.key != "UTC":
        # What calendars without zones of their own go by.
        yield f"X-WR-TIMEZONE:{zone.key}"
        yield from _zone(zone, starts, ends)
    yield "BEGIN:VEVENT"
    yield f"UID:{escape(event.event)}@onsale"
    # When the event was changed, not the file made (3.8.7.2, where there is no METHOD):
    # so the same event is the same file.
    yield f"DTSTAMP:{_time(event.changed_at)}"
    yield f"CREATED:{_time(event.created_at)}"
    yield f"LAST-MODIFIED:{_time(event.changed_at)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"DTSTART{_value(starts, zone)}"
    yield f"DTEND{_value(ends, zone)}"
    yield f"SUMMARY:{escape(event.name)}"
    if event.description:
        yield f"DESCRIPTION:{escape(event.description)}"
    if event.location:
        yield f"LOCATION:{escape(event.location)}"
    if event.categories:
        yield f"CATEGORIES:{','.join(escape(one) for one in event.categories)}"
    if event.url is not None:
        yield f"URL:{_CONTROL.sub('', event.url)}"
    yield f"STATUS:{_STATUSES.get(event.sale_state, 'CONFIRMED')}"
    yield "END:VEVENT"
    yield "END:VCALENDAR"


def escape(text: str) -> str:
    """Return a text as a value: no line of its own, no sign that means something."""
    # A line break is told by two letters (3.3.11); other control signs by none.
    escaped = _ESCAPED.sub(r"\\\g<0>", text)
    return _CONTROL.sub("", _LINE_BREAK.sub(r"\\n", escaped))


def fold(line: str) -> str:
    """Return a line in parts of at most 75 octets, none of which splits a character."""
    parts: list[str] = []
    start, size = 0, 0
    for index, sign in enumerate(line):
        octets = len(sign.encode())
        if size + octets > LINE_OCTETS_MAX:
            parts.append(line[start:index])
            # The blank that begins what follows counts too.
            start, size = index, 1
        size += octets
    parts.append(line[start:])
    return "\r\n ".join(parts) + "\r\n"


def _zone(zone: ZoneInfo, starts: datetime, ends: datetime) -> Iterator[str]:
    """Yield what a zone's clocks show at two times (3.6.5), and nothing of others."""
    yield "BEGIN:VTIMEZONE"
    yield f"TZID:{zone.key}"
    # As it was the day before; a time ahead of all onsets would have no offset.
    since = starts - _DAY
    yield from _observance(zone, since, since)
    if _offset(starts, zone) != _offset(since, zone):
        yield from _observance(zone, _onset(zone, since, starts), since)
    if _offset(ends, zone) != _offset(starts, zone):
        yield from _observance(zone, _onset(zone, starts, ends), starts)
    yield "END:VTIMEZONE"


def _observance(zone: ZoneInfo, onset: datetime, before: datetime) -> Iterator[str]:
    """Yield which offset holds from a moment on, on clocks as they were before it."""
    local, former = onset.astimezone(zone), _offset(before, zone)
    kind = "DAYLIGHT" if local.dst() else "STANDARD"
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{_digits(onset.astimezone(UTC) + former)}"
    yield f"TZOFFSETFROM:{_signed(former)}"
    yield f"TZOFFSETTO:{_signed(_offset(onset, zone))}"
    yield f"TZNAME:{local.tzname()}"
    yield f"END:{kind}"


def _onset(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return since when, to the second, the clocks are as they are at the later time.

    They are not at the earlier one. Of several moments it may be any, because no time
    in between is told.
    """
    offset = _offset(after, zone)
    while after - before > _SECOND:
        middle = before + ((after - before) // _SECOND + 1) // 2 * _SECOND
        if _offset(middle, zone) == offset:
            after = middle
        else:
            before = middle
    return after.astimezone(UTC).replace(microsecond=0)


def _offset(time: datetime, zone: ZoneInfo) -> timedelta:
    return time.astimezone(zone).utcoffset() or timedelta()


def _signed(offset: timedelta) -> str:
    seconds = round(offset.total_seconds())
    sign, seconds = "-" if seconds < 0 else "+", abs(seconds)
    written = f"{sign}{seconds // 3600:02}{seconds // 60 % 60:02}"
    # Before there were zones, offsets were those of the sun.
    return f"{written}{seconds % 60:02}" if seconds % 60 else written


def _value(time: datetime, zone: ZoneInfo) -> str:
    """Return a time with what stands before it: its zone, or nothing for UTC."""
    local = time.astimezone(zone)
    # The second time that the clocks show an hour has no other name (3.3.5).
    if zone.key == "UTC" or local.fold:
        return f":{_time(time)}"
    return f";TZID={zone.key}:{_digits(local)}"


def _time(time: datetime) -> str:
    return f"{_digits(time.astimezone(UTC))}Z"


def _digits(time: datetime) -> str:
    return f"{time.year:04}{time:%m%dT%H%M%S}"
