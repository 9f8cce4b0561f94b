"""Support: what buyers ask of organisers."""

from typing import Final

from persistence.community.support import SupportTickets, forget_support
from server.community.support.examples import EXAMPLES
from server.community.support.rest import ROUTES, TAG
from server.community.support.service import SUPPORT_SERVICE, SupportService
from server.events.catalogue.service import EVENT_SERVICE
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[SUPPORT_SERVICE] = SupportService(
        SupportTickets(startup.pool), startup[EVENT_SERVICE], startup[MEMBERSHIPS]
    )


SUPPORT: Final = Capability(
    name="support",
    open=_open,
    routes=ROUTES,
    tags={
        TAG: """\
Whoever has a token asks with `POST /v1/support`, about an event or an organisation. Its
owners and leaders get a mail, and its webhooks hear `support.raised`: one of the form
`discord` shows it in a channel, where it mentions nobody.""",
    },
    examples=EXAMPLES,
    erase=(forget_support,),
)
