"""Zones of the world's clocks: which there are, and how times move along in one.

The zone database is data, as the list of currencies is. Only what was decided with it
is journaled, so that a replay asks for no zone.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ZONE_LENGTH_MAX: Final = 64
ZONE_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*(?!\n)$"
"""What a zone's name may look like: `Europe/Berlin`, `Etc/GMT+1`, `UTC`."""

# Files beside the zones: the machine's own, other counts of the same ones, and none.
_OTHERS: Final = frozenset({"localtime", "posixrules", "Factory", "posix", "right"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_EARLIEST: Final = (datetime(2, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LATEST: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND - 1

YEARS: Final = "Not in the years 2 to 9998."
"""What is wrong with a time beyond these, of which some zones have no date."""

_matches = re.compile(ZONE_PATTERN).match


def is_zone(name: str) -> bool:
    """Return whether the IANA database has a zone of this name."""
    known = len(name) <= ZONE_LENGTH_MAX and _matches(name) is not None
    return known and name.partition("/")[0] not in _OTHERS and _find(name) is not None


def is_kept(unix_ms: int) -> bool:
    """Return whether a time may be stored: it and its neighbours have dates everywhere.

    What has none cannot be read again, by anybody who lists what it belongs to.
    """
    return _EARLIEST <= unix_ms <= _LATEST


def zone_of(name: str) -> ZoneInfo:
    """Return a zone that was stored; UTC where this machine's database lacks it."""
    return _find(name) or ZoneInfo("UTC")


def local_time(unix_ms: int, zone: ZoneInfo) -> datetime:
    """Return Unix milliseconds as the clocks of a zone show them."""
    return (_EPOCH + unix_ms * _MILLISECOND).astimezone(zone)


def days_between(begin: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return when the days begin that do so from one time on and before another.

    After them stands when the last of them ends; without any there is nothing. Days are
    as long as the clocks make them, and one that they leave out is none. Both times are
    kept ones.
    """
    day = begin.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[datetime] = []
    while not found or found[-1] < end:
        # Where the clocks leave out midnight, this is the moment at which they jump.
        begins = day.replace(fold=0).astimezone(UTC)
        day += timedelta(days=1)
        if begins >= begin and (not found or begins > found[-1]):
            found.append(begins)
    return found if found[0] < end else []


def moved_along(at_ms: int, from_ms: int, to_ms: int, zone: ZoneInfo) -> int:
    """Return a time that moves along with another one, which moves from here to there.

    On the clocks of the zone both are as far apart as before: what was at 10:00 is at
    10:00, though a summer time ends in between. A time that the clocks leave out is as
    much later as they jump; of one that they show twice it is the one that the other
    time, in that hour, would be. All are Unix milliseconds.
    """
    if from_ms == to_ms:
        return at_ms
    try:
        at, before, after = (local_time(ms, zone) for ms in (at_ms, from_ms, to_ms))
        by = after.replace(tzinfo=None) - before.replace(tzinfo=None)
        moved = (at + by).replace(fold=after.fold)
        return (moved - _EPOCH) // _MILLISECOND
    except OverflowError:
        # Beyond all dates, which is told as a fault of the result.
        return at_ms + to_ms - from_ms


def _find(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # Not there, no name at all, or something else in the database's folder.
        return None
