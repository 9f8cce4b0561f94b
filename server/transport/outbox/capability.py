"""What leaves us, for administrators: capabilities add their channels as they open."""

from typing import Final

from persistence.bounces import Bounces
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS
from server.transport.mail.sender import FORGET_S, MAIL_SENDER, OUTBOX
from server.transport.outbox import rest_bounces
from server.transport.outbox.channels import CHANNELS, MAIL, Channel
from server.transport.outbox.examples import EXAMPLES, ROW
from server.transport.outbox.rest import ROUTES
from server.transport.outbox.rest_bounces import BOUNCES
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    channels: dict[str, Channel] = {MAIL: startup[OUTBOX]}
    startup[CHANNELS] = channels
    startup[BOUNCES] = bounces = Bounces(startup.pool)
    startup[MAIL_SENDER].bounces = bounces
    startup[JOBS].every("old bounces", FORGET_S, bounces.forget)


OUTGOING: Final = Capability(
    name="outbox",
    open=_open,
    routes=(*ROUTES, *rest_bounces.ROUTES),
    parameters={"row": PathParameter("The row of an outbox.", ROW)},
    examples=EXAMPLES,
)
