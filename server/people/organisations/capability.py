"""Organisations: members, invitations, requests to join."""

from typing import Final

from server.live.actors.registry import SHARDS
from server.people.organisations import (
    rest,
    rest_invitations,
    rest_join_requests,
    rest_members,
)
from server.people.organisations.service import OFFICE, Office
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[OFFICE] = office = Office(startup.pool, startup.settings.public_url)
    office.connect(startup[BUS])
    startup[SHARDS].sellers = office.sellers
    startup.run(office.sellers.run(), "organisations")


ORGANISATIONS: Final = Capability(
    name="organisations",
    open=_open,
    routes=(
        *rest.ROUTES,
        *rest_members.ROUTES,
        *rest_invitations.ROUTES,
        *rest_join_requests.ROUTES,
    ),
)
