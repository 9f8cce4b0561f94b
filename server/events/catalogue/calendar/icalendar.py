"""An event as an iCalendar file (RFC 5545), for people's calendars.

The UID follows from the event's id and never changes, so that a calendar which takes
the file again replaces what it had: SEQUENCE and LAST-MODIFIED tell it which is newer.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

LINE_OCTETS_MAX: Final = 75
"""Longer lines are folded (3.1)."""

USUAL_LENGTH: Final = timedelta(hours=3)
"""Of an event without an end; a venue is taken for so long. Without DTEND it would have
no length (3.6.1)."""

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
    yield "BEGIN:VEVENT"
    yield f"UID:{escape(event.event)}@onsale"
    # When the event was changed, not the file made (3.8.7.2, where there is no METHOD):
    # so the same event is the same file.
    yield f"DTSTAMP:{_time(event.changed_at)}"
    yield f"CREATED:{_time(event.created_at)}"
    yield f"LAST-MODIFIED:{_time(event.changed_at)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"DTSTART:{_time(event.starts_at)}"
    yield f"DTEND:{_time(event.ends_at or event.starts_at + USUAL_LENGTH)}"
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


def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
