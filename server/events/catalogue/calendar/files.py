"""Events as files for calendars, for the mails that carry them."""

from typing import Final

from persistence.events.catalog import Catalog
from server.events.catalogue.calendar.icalendar import encode_calendar
from server.events.catalogue.calendar.rest import MEDIA_TYPE, calendar_of
from server.transport.mail.composed import File

NAME: Final = "event.ics"


class CalendarFiles:
    """Makes the files of events, as these are when the mail is sent."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def make(self, event: str) -> File | None:
        """Return an event's file; None where it is gone. Raises `Unavailable`."""
        row = await self._catalog.find_event(event)
        if row is None:
            return None
        return File(NAME, MEDIA_TYPE, encode_calendar(calendar_of(row)))
