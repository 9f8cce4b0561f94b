"""An event as it sells: looked at once a second, shown to who runs it."""

from typing import Final

from server.events.catalogue.service import EVENT_SERVICE
from server.events.cockpit import rest_steps
from server.events.cockpit.examples import EXAMPLES
from server.events.cockpit.rest import LIVE, ROUTES
from server.events.cockpit.sampler import SAMPLER, Sampler
from server.events.cockpit.service import LiveService
from server.live.actors.registry import REGISTRY
from server.live.cluster.membership.members import MEMBERS
from server.live.fanout.hub import HUB
from server.transport.bus.questions import ASKING
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    questions, members = startup[ASKING], startup[MEMBERS]
    now_ms = startup.clock.now_ms
    startup[SAMPLER] = sampler = Sampler(
        startup[HUB], startup[REGISTRY], questions, now_ms
    )
    startup[LIVE] = LiveService(
        startup[EVENT_SERVICE],
        sampler,
        questions,
        lambda: members.live,
        startup.instance.process,
        now_ms,
    )
    startup.run(sampler.run(startup.job("live")), "live")


COCKPIT: Final = Capability(
    name="cockpit",
    open=_open,
    routes=(*ROUTES, *rest_steps.ROUTES),
    examples=EXAMPLES,
)
