"""RFC 3339 outside, Unix milliseconds inside."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

Time = Annotated[
    datetime,
    Meta(
        tz=True,
        description="RFC 3339 with an offset, in the years 2 to 9998; answered in UTC.",
    ),
]


def to_ms(time: datetime) -> int:
    """Return a time as Unix milliseconds."""
    return (time - EPOCH) // MILLISECOND


def from_ms(unix_ms: int) -> datetime:
    """Return Unix milliseconds as a time in UTC."""
    return EPOCH + unix_ms * MILLISECOND


def maybe_to_ms(time: datetime | None) -> int | None:
    """Return a time as Unix milliseconds, None for none."""
    return None if time is None else to_ms(time)


def maybe_from_ms(unix_ms: int | None) -> datetime | None:
    """Return Unix milliseconds as a time in UTC, None for none."""
    return None if unix_ms is None else from_ms(unix_ms)
