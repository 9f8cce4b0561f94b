"""All that concerns organisations in one process, put together."""

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from persistence.people.announcements import Announcements
from persistence.people.api_keys import ApiKeys
from persistence.people.invitations import Invitations
from persistence.people.join_requests import JoinRequests
from persistence.people.organisations import Organisations
from persistence.postgres.pool import Pool
from server.people.announcements.job import Crier
from server.people.api_keys.api_keys import Machines
from server.people.organisations.mails import OrganisationLetters
from server.people.organisations.membership_cache import Sellers

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.transport.bus.bus import Bus

TOPIC: Final = "organisations"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(str).decode


class Office:
    """The stores of organisations, and what is kept in memory of them."""

    def __init__(self, pool: Pool, public_url: str | None) -> None:
        self.organisations = Organisations(pool)
        self.invitations = Invitations(pool)
        self.requests = JoinRequests(pool)
        self.keys = ApiKeys(pool)
        self.announcements = Announcements(pool)
        self.letters = OrganisationLetters(public_url)
        self.sellers = Sellers(self.organisations)
        self.machines = Machines(self.keys)
        self.crier = Crier(self.announcements)
        self.tell: Callable[[str], None] = _nobody
        """Tells the other processes that an organisation was changed."""

    async def changed(self, organisation: str) -> None:
        """Act on a change of members or keys that was committed here; tell of it."""
        self.machines.forget(organisation)
        await self.sellers.changed(organisation)
        self.tell(organisation)

    def connect(self, bus: "Bus") -> None:
        """Tell the other processes what is changed here, and hear it from them.

        Only a shortcut: whoever misses it reads it in the database soon after.
        """

        def tell(organisation: str) -> None:
            bus.publish(TOPIC, _encode(organisation))

        def hear(data: bytes) -> None:
            try:
                organisation = _decode(data)
            except msgspec.DecodeError:
                # Of another version: the database says it in words that we know.
                self._lose()
                return
            self.machines.forget(organisation)
            self.sellers.heard(organisation)

        self.tell = tell
        bus.subscribe(TOPIC, hear, self._lose)

    async def run(self) -> None:
        """Run what goes on by itself, for ever; where one part dies, all end."""
        async with asyncio.TaskGroup() as group:
            for work in (self.sellers.run(), self.machines.run(), self.crier.run()):
                group.create_task(work)

    def _lose(self) -> None:
        self.machines.forget()
        self.sellers.look_soon()


def _nobody(organisation: str) -> None:
    """Alone, there is nobody to tell."""
