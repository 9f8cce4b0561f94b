"""Organisations: members, invitations, requests to join."""

from typing import Final

from server.live.actors.registry import REGISTRY
from server.live.fanout.hub import HUB
from server.people.organisations import (
    rest,
    rest_invitations,
    rest_join_requests,
    rest_members,
)
from server.people.organisations.examples import EXAMPLES
from server.people.organisations.joining.service import JOINING_SERVICE, JoiningService
from server.people.organisations.membership import MEMBERSHIPS
from server.people.organisations.service import (
    ORGANISATION_SERVICE,
    OrganisationService,
)
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter
from server.transport.rest.story import CLEO, CODE, ORGANISATION_ID


async def _open(startup: Startup) -> None:
    startup[ORGANISATION_SERVICE] = service = OrganisationService(
        startup.pool, startup.settings.quotas
    )
    startup[MEMBERSHIPS] = service.memberships
    startup[JOINING_SERVICE] = JoiningService(
        service.invitations, service.requests, service.changed
    )
    service.sellers.close_sockets = startup[HUB].let_go
    service.connect(startup[BUS])
    startup[REGISTRY].sellers = service.sellers
    startup.run(service.sellers.run(startup.job("organisations")), "organisations")


ORGANISATIONS: Final = Capability(
    name="organisations",
    open=_open,
    routes=(
        *rest.ROUTES,
        *rest_members.ROUTES,
        *rest_invitations.ROUTES,
        *rest_join_requests.ROUTES,
    ),
    parameters={
        "organisation": PathParameter("The organisation's id.", ORGANISATION_ID),
        "member": PathParameter("The member's user id; `me` for the caller.", CLEO),
        "invitation": PathParameter(
            "The invitation's id.", "inv_8sLd3fGhTq6uXe1bYk5oPw"
        ),
        "code": PathParameter(
            "The code that the invitation's mail holds.", CODE, recorded=False
        ),
        "request": PathParameter("The request's id.", "req_6vBn2mAsDf9gHj4kLq8wEr"),
    },
    makes={
        "organisations": "organisation",
        "invitations": "invitation",
        "join-requests": "request",
    },
    tags={
        "Organisations": """\
In order: `POST /v1/organisations` makes you its `owner`; below that are `leader` and
`staff`. Others come in two ways. Invited: the code of the mail to them goes into the
path of `/v1/invitations/{code}`, `…/accept` or `…/decline`, and they call that with a
token of their own; to accept, their account must have the invited address, confirmed,
else it is `forbidden`. Or they ask: `join-requests`, which you accept or
decline. A member's id is the `user` of `…/members`; `me` is yourself. A machine gets an
API key: `key` in the answer is shown this once and is sent as `X-API-Key`, without a
bearer token. Announcements go by mail to members, or to who holds tickets of one event.
Deleting comes last, and is refused while events are to come or tickets are out.""",
    },
    examples=EXAMPLES,
)
