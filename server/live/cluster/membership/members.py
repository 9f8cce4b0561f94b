"""Which processes live, as the database and the bus tell.

A hint, not a right: it says whom to ask and who should take what nobody owns. Who owns
an event is in its head.
"""

import asyncio
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp import web

from persistence.errors import Unavailable
from persistence.processes import Process, Processes, Terms
from server.base import limits
from server.live.cluster.membership.placement import choose

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()


def _nobody_minds(process: str) -> None:
    """Alone, there is nobody whose end would matter."""


class Members:
    """The living processes, this one among them, looked up every second.

    `on_gone` hears of each one that is not there any more.
    """

    def __init__(self, processes: Processes, me: Process, terms: Terms) -> None:
        """Begin with nobody but this process, which has joined already."""
        self.me = me.process
        self.leaving = False
        self.live: dict[str, Process] = {me.process: me}
        self._own_row = me
        self._processes = processes
        self._terms = terms
        self.on_gone: Callable[[str], None] = _nobody_minds

    def others(self) -> list[str]:
        """Return the names of all living processes but this one."""
        return [process for process in self.live if process != self.me]

    def staying(self) -> list[str]:
        """Return the names of those of the others that do not end now."""
        return [name for name in self.others() if not self.live[name].leaving]

    def siblings(self, node: str) -> list[str]:
        """Return the names of the other processes of a node that do not end now."""
        return [
            name
            for name, one in self.live.items()
            if one.node == node and name != self.me and not one.leaving
        ]

    def choose(self, event: str) -> str | None:
        """Return who should own an event that nobody owns."""
        return choose(
            event,
            [
                name
                for name, one in self.live.items()
                if not (self.leaving if name == self.me else one.leaving)
            ],
        )

    def address(self, process: str) -> str | None:
        """Return where clients reach a process directly, where that is so."""
        found = self.live.get(process)
        return None if found is None else found.address

    def forget(self, process: str) -> None:
        """Take a process for dead: somebody knows."""
        if process != self.me and self.live.pop(process, None) is not None:
            self.on_gone(process)

    async def leave(self) -> None:
        """Take our name off the list."""
        try:
            await self._processes.leave(self.me)
        except Unavailable as error:
            log.warning("our row could not be removed", error=str(error))

    async def run(self) -> None:
        """Say that we live, and look who else does."""
        while True:
            await self.look()
            await asyncio.sleep(limits.MEMBERS_S)

    async def look(self) -> None:
        """Do so once. While the database is silent nobody is taken for dead."""
        try:
            found = await self._processes.beat(self.me, leaving=self.leaving)
            if self.me not in {one.process for one in found}:
                # Somebody took us for dead: what we owned is not ours any more, and
                # our actors will hear so from their heads.
                await self._processes.join(self._own_row, self._terms)
        except Unavailable as error:
            log.warning("the other processes could not be looked up", error=str(error))
            return
        now = {one.process: one for one in found} | {
            self.me: self.live[self.me],
        }
        gone = self.live.keys() - now.keys()
        self.live = now
        for process in gone:
            self.on_gone(process)


MEMBERS: Final = web.AppKey("members", Members)
