"""Fields that many bodies and queries have: names, ids, times."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from inventory import limits
from inventory.names import NAME_PATTERN
from inventory.zones import ZONE_LENGTH_MAX, ZONE_PATTERN, is_zone
from server.transport.http.problems import bad_field
from server.transport.mail.languages import LOCALE_LENGTH_MAX, LOCALE_PATTERN
from server.transport.rest.times import Time

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=NAME_PATTERN)]
Locale = Annotated[
    str,
    Meta(
        min_length=2,
        max_length=LOCALE_LENGTH_MAX,
        pattern=LOCALE_PATTERN,
        description="A language, and a country, as BCP 47 names them: `de-AT`.",
    ),
]
Id = Annotated[str, Meta(min_length=1, max_length=limits.ID_LENGTH_MAX)]
Zone = Annotated[
    str,
    Meta(
        max_length=ZONE_LENGTH_MAX,
        pattern=ZONE_PATTERN,
        description="A time zone of the IANA database, as `Europe/Berlin`.",
    ),
]

NO_ZONE: Final = "The IANA database has no such time zone."

_LOST_PLUS: Final = re.compile(r" (\d\d:\d\d)$")


def check_zone(field: str, name: object) -> None:
    """Raise for the name of a zone that is none; what is no text was not given."""
    if isinstance(name, str) and not is_zone(name):
        raise bad_field(field, NO_ZONE)


def read_time(field: str, text: str) -> datetime:
    """Return a time from a query."""
    try:
        # In a query a plus sign that nobody escaped arrives as a blank.
        time = msgspec.convert(_LOST_PLUS.sub(r"+\1", text), Time)
        # Some have no year from 1 to 9999 in UTC.
        return time.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise bad_field(field, "Not an RFC 3339 time with an offset.") from error
