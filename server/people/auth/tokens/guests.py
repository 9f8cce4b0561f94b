"""Guests whose tokens last: who held something in time. Those of the others lapse.

A guest is nothing but a name, and costs its address little, so that somebody could lay
in thousands before a sale. What was not used within `UNUSED_S` is good for nothing any
more. Who held a seat keeps what it has for as long as its token says.

Concurrency: `note` is called where a hold is answered, and waits for nothing; once a
second what was noted goes to the database, where every process finds it. What a process
that dies had still to tell is lost, but for who booked, which the bookings tell.
"""

import asyncio
from typing import Final

import structlog

from persistence.errors import Unavailable
from persistence.people.tokens.guests import FORGET_MAX, GuestRows
from server.base.identity import Identity
from server.base.jobs import Job
from server.people.auth.lifetimes import CLOCK_SKEW_S, LIFETIME_S, UNUSED_S

TELL_S: Final = 1.0
KNOWN_MAX: Final = 65_536
"""Guests that are known in memory not to lapse; the others are asked about."""

TOLD_AT_ONCE_MAX: Final = 5_000

log = structlog.get_logger()


class Guests:
    """Implements `server.base.identity.GuestBook`."""

    def __init__(self, rows: GuestRows) -> None:
        self._rows = rows
        self._known: dict[str, None] = {}
        self._untold: dict[str, None] = {}

    def is_doubtful(self, who: Identity, now_s: float) -> bool:
        """Return whether somebody is a guest that may have lapsed."""
        if who.role != "guest" or who.user in self._known:
            return False
        return who.expires_at_s - LIFETIME_S["guest"] + UNUSED_S <= now_s

    async def is_kept(self, user: str) -> bool:
        """Return whether a doubtful guest has held something. Raises `Unavailable`."""
        if user in self._untold:
            return True
        kept = await self._rows.is_kept(user)
        if kept:
            self._remember(user)
        return kept

    def note(self, user: str) -> None:
        """Take note that a guest holds something."""
        if user not in self._known:
            self._remember(user)
            self._untold[user] = None

    async def tell(self) -> None:
        """Write down what was noted. Raises `Unavailable`; then it is told later."""
        while self._untold:
            some = list(self._untold)[:TOLD_AT_ONCE_MAX]
            await self._rows.keep(some)
            for user in some:
                del self._untold[user]

    async def run(self, job: Job) -> None:
        """Tell of guests, for ever."""
        while True:
            try:
                with job:
                    await self.tell()
            except Unavailable as error:
                log.warning("guests are not written down", reason=str(error))
            await asyncio.sleep(TELL_S)

    async def close(self) -> None:
        """Tell what was not told yet, if that can be."""
        try:
            await self.tell()
        except Unavailable as error:
            log.warning("guests were not written down", reason=str(error))

    async def forget(self) -> None:
        """Forget those whose tokens have expired. Raises `Unavailable`."""
        lasts_s = LIFETIME_S["guest"] + CLOCK_SKEW_S
        gone = FORGET_MAX
        while gone == FORGET_MAX:
            gone = await self._rows.forget(lasts_s)

    def _remember(self, user: str) -> None:
        self._known[user] = None
        if len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]
