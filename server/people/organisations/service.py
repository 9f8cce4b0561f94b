"""All that concerns organisations in one process, put together."""

from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from persistence.people.invitations import Invitations
from persistence.people.join_requests import JoinRequests
from persistence.people.organisations import Organisations
from persistence.postgres.pool import Pool
from server.people.organisations.mails import OrganisationMails
from server.people.organisations.membership import Memberships
from server.people.organisations.membership_cache import Sellers

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.transport.bus.bus import Bus

TOPIC: Final = "organisations"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(str).decode


class OrganisationService:
    """The stores of organisations, and what is kept in memory of them."""

    def __init__(self, pool: Pool, public_url: str | None) -> None:
        self.organisations = Organisations(pool)
        self.invitations = Invitations(pool)
        self.requests = JoinRequests(pool)
        self.mails = OrganisationMails(public_url)
        self.memberships = Memberships(self.organisations)
        self.sellers = Sellers(self.organisations)
        self.on_change: list[Callable[[str | None], None]] = []
        """Called with an organisation that was changed, or None where any may be."""
        self.tell: Callable[[str], None] = _nobody
        """Tells the other processes that an organisation was changed."""

    async def changed(self, organisation: str) -> None:
        """Act on a change of members or keys that was committed here; tell of it."""
        self._forget(organisation)
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
            self._forget(organisation)
            self.sellers.heard(organisation)

        self.tell = tell
        bus.subscribe(TOPIC, hear, self._lose)

    def _forget(self, organisation: str | None) -> None:
        for forget in self.on_change:
            forget(organisation)

    def _lose(self) -> None:
        self._forget(None)
        self.sellers.look_soon()


def _nobody(organisation: str) -> None:
    """Alone, there is nobody to tell."""


ORGANISATION_SERVICE: Final = web.AppKey("service", OrganisationService)
