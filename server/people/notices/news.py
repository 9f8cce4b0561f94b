"""Tells open pages of new notices, on whichever process they are.

Only a shortcut, a second late at most: who misses it lists the notices. One process of
all looks what is new; each hears it and tells those who are here.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
import structlog
from msgspec import Struct

from persistence.people.notices.notices import TELL_MAX, NoticeRow, Notices
from server.live.fanout.hub import Hub
from server.transport.bus.bus import Bus

TOPIC: Final = "notices"
EVERY_S: Final = 1.0
"""How often the job looks what is new."""

log = structlog.get_logger()


class NoticeNews(Struct, tag_field="op", tag="notice"):
    """Something that the caller is told, as `GET /v1/notices` lists it."""

    notice: str
    kind: str
    event: str | None
    event_name: str | None
    data: dict[str, Any]
    at: datetime


class _Told(Struct, array_like=True):
    user: str
    news: NoticeNews


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Told]).decode


class NewNotices:
    """Finds what is new, says so, and hears it from all processes, this one too."""

    def __init__(self, notices: Notices, bus: Bus, hub: Hub) -> None:
        self._notices = notices
        self._bus = bus
        self._hub = hub
        bus.subscribe(TOPIC, self._hear, lambda: None)

    async def tell(self) -> None:
        """Tell of what nobody was told of yet. Raises `Unavailable`."""
        more = True
        while more:
            found = await self._notices.untold()
            told = [_told_of(row) for row in found]
            if some := [one for one in told if one is not None]:
                self._bus.publish(TOPIC, _encode(some))
            more = len(found) == TELL_MAX

    def _hear(self, data: bytes) -> None:
        try:
            several = _decode(data)
        except msgspec.DecodeError as error:
            log.info("new notices cannot be read", error=str(error))
            return
        for told in several:
            for writer in self._hub.by_user.get(told.user, ()):
                writer.write(writer.codec.pack(told.news))


def _told_of(row: NoticeRow) -> _Told | None:
    """Return what a user is told; None where only an address is known."""
    if row.user_id is None:
        return None
    news = NoticeNews(
        row.notice_id, row.kind, row.event_id, row.event_name, row.data, row.at
    )
    return _Told(row.user_id, news)
