"""Who manages the events of an organisation, as this process knows it.

A command over a socket must not wait for the database to learn who sends it, so the
members of each organisation whose events are served here are kept in memory. They are
read anew after each change made here, when another process tells of one, and every ten
seconds in any case; what was not read for a minute is believed no more, so that whoever
is removed has no rights on any socket after that. REST asks the database each time.

A socket that follows a draft was let do so once, and is not asked again: so those of
whoever is found to belong to the organisation no more are closed.
"""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

import structlog

from persistence.errors import Unavailable
from persistence.people.organisations import MemberRole, Organisations
from server.base.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable

REFRESH_S: Final = 10.0
STALE_S: Final = 60.0
"""What was not read for longer is not believed: nobody has a right by it."""

READ_AT_ONCE_MAX: Final = 100
"""Organisations whose members one statement reads."""

assert 2 * REFRESH_S < STALE_S

log = structlog.get_logger()


def _nobody_is_connected(user: str) -> None:
    """Without sockets there are none to close."""


class Seller:
    """An organisation, as the events that it sells know it."""

    __slots__ = ("members", "organisation", "read_at", "roles")

    def __init__(self, organisation: str) -> None:
        self.organisation = organisation
        self.roles: dict[str, MemberRole] = {}
        self.members: frozenset[str] = frozenset()
        """Who belonged to it when that was read last."""
        self.read_at = 0.0

    def role_of(self, user: str) -> MemberRole | None:
        """Return what somebody is in the organisation."""
        role = self.roles.get(user)
        if role is None or monotonic() - self.read_at > STALE_S:
            return None
        return role


class Sellers:
    """The organisations whose events are served here."""

    def __init__(self, store: Organisations) -> None:
        self._store = store
        self.close_sockets: Callable[[str], None] = _nobody_is_connected
        """Closes what a user follows drafts with who belongs to one no more."""
        self._known: dict[str, Seller] = {}
        self._look_now = asyncio.Event()
        # One at a time: a read that began before a change must not end after it.
        self._reading = asyncio.Lock()

    async def find(self, organisation: str) -> Seller:
        """Return an organisation, read on first use. Raises `Unavailable`."""
        known = self._known.get(organisation)
        if known is None:
            made = Seller(organisation)
            async with self._reading:
                await self._read([made])
            known = self._known.setdefault(organisation, made)
        return known

    async def changed(self, organisation: str) -> None:
        """Read an organisation anew where it is known: its members were changed."""
        known = self._known.get(organisation)
        if known is None:
            return
        try:
            async with self._reading:
                await self._read([known])
        except Unavailable:
            # It was committed a moment ago: nobody is believed until it can be read.
            known.roles = {}
            self.look_soon()

    def heard(self, organisation: str) -> None:
        """Hear from another process that an organisation's members were changed."""
        if organisation in self._known:
            self.look_soon()

    def look_soon(self) -> None:
        """Read everything anew: something may have been said unheard."""
        self._look_now.set()

    async def look(self) -> None:
        """Read everything anew. Raises `Unavailable`."""
        known = list(self._known.values())
        for begin in range(0, len(known), READ_AT_ONCE_MAX):
            async with self._reading:
                await self._read(known[begin : begin + READ_AT_ONCE_MAX])

    async def run(self, job: Job) -> None:
        """Keep up with what others change, for ever."""
        while True:
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._look_now.wait()
            except TimeoutError:
                # Nobody said anything, as usual.
                log.debug("organisations are read anew", known=len(self._known))
            self._look_now.clear()
            try:
                with job:
                    await self.look()
            except Unavailable as error:
                log.warning("members of organisations are unknown", reason=str(error))

    async def _read(self, sellers: list[Seller]) -> None:
        began = monotonic()
        roles = await self._store.roles([one.organisation for one in sellers])
        for one in sellers:
            one.roles, one.read_at = roles[one.organisation], began
            gone, one.members = one.members, frozenset(one.roles)
            for user in gone - one.members:
                self.close_sockets(user)
