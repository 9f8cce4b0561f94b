"""The line of an event: the desk, the feeder beside the owner, turns told at once."""

from typing import Final

from inventory.ports import Publication
from persistence.events.line.entries import Entries, forget_entries
from persistence.events.line.feeding import Feeding
from persistence.events.line.joining import JoinLane
from persistence.events.line.lines import Lines
from persistence.events.line.lists import Lists
from persistence.events.line.rehearsals import Rehearsals
from server.base.ids import RandomIds
from server.base.pressure.pressure import PRESSURE
from server.events.audit.receipts import RECEIPT_SIGNER
from server.events.catalogue.service import EVENT_SERVICE
from server.events.line.beacon.beacons import BEACONS, Beacons
from server.events.line.feeder import FEEDERS, Feeders
from server.events.line.follower import KINDS, LineFollower
from server.events.line.gates.captcha import Captcha
from server.events.line.gates.gatekeeper import Gatekeeper
from server.events.line.gates.work import Work
from server.events.line.leaving import Leaving
from server.events.line.news import LINE_NEWS, LineNews, Offer, Turn, TurnEnd
from server.events.line.odds.forecasts import FORECASTS, Forecasts
from server.events.line.opening import LINE_OPENING, LineOpening
from server.events.line.pace.conductor import CONDUCTORS, Conductors
from server.events.line.pace.metrics import LineMetrics
from server.events.line.service import LINE_DESK, LineDesk
from server.events.line.service_control import LINE_CONTROL, LineControl
from server.events.line.waiters.waiters import WAITERS, LineNow, Waiters
from server.events.line.wire import rest, rest_control
from server.events.line.wire.examples import EXAMPLES
from server.events.line.wire.frames import FRAMES
from server.live.actors.capability import shared_secret
from server.live.actors.registry import REGISTRY
from server.live.fanout.hub import HUB
from server.live.followers.followers import FOLLOWERS
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS

ADOPT_S: Final = 5.0
LEAVE_S: Final = 5.0
MISSED_MAX: Final = 0.1
"""A line is slowed down where more holds than that ask for what another has."""


async def _gates(startup: Startup, entries: Entries) -> Gatekeeper:
    """Return what asks for work and captchas, where lines want them."""
    config, clock, captcha = startup.settings, startup.clock, None
    url, secret, site_key = (
        config.captcha_url,
        config.captcha_secret,
        config.captcha_site_key,
    )
    if url is not None and secret is not None and site_key is not None:
        captcha = Captcha(url, secret, site_key, clock.monotonic)
        startup.on_stop(captcha.close)
    return Gatekeeper(Work(await shared_secret(startup)), captcha, entries, clock)


def _forecast(startup: Startup, waiters: Waiters, conductors: Conductors) -> None:
    """Let those who wait be told how likely they get what they wish for."""
    learn = Rehearsals(startup.pool).learnt
    startup[FORECASTS] = forecasts = Forecasts(
        waiters.leading, conductors, startup[BUS], startup.clock, learn
    )
    waiters.forecast_of = forecasts.of
    startup.run(forecasts.run(), "line odds")


async def _open(startup: Startup) -> None:
    events, clock, pool = startup[EVENT_SERVICE], startup.clock, startup.pool
    registry, hub = startup[REGISTRY], startup[HUB]
    lines, entries = Lines(pool), Entries(pool)
    config = startup.settings
    startup[BEACONS] = beacons = Beacons(config.beacon_relays, config.beacon_chain)
    startup.on_stop(beacons.close)
    opening = LineOpening(lines, clock, config.secret_key, beacons)
    startup[LINE_OPENING] = opening
    startup[FEEDERS] = feeders = Feeders(Feeding(pool), lines, registry, startup[BUS])
    startup[LINE_DESK] = desk = LineDesk(
        events,
        opening,
        lines,
        entries,
        JoinLane(pool),
        clock,
        RandomIds(),
        startup[RECEIPT_SIGNER],
        feeders.joined,
        await _gates(startup, entries),
    )
    startup[LINE_CONTROL] = LineControl(events, opening, lines, Lists(pool), clock)
    startup[LINE_NEWS] = news = LineNews(hub, entries, clock)
    startup[WAITERS] = waiters = Waiters(
        hub, registry, startup[BUS], entries, startup.clock
    )
    pressure = startup[PRESSURE]
    startup[CONDUCTORS] = conductors = Conductors(registry, pressure)
    _forecast(startup, waiters, conductors)
    pressure.share("seats", MISSED_MAX, conductors.missed, conductors.asked)

    follower = LineFollower()
    times = feeders.lag, follower.waits, news.served
    figures = LineMetrics(registry, conductors, waiters, desk, times, clock)
    startup.metrics.registry.register(figures)

    def turned(event: str, publication: Publication) -> None:
        conductors.heard(event, publication)
        figures.heard(event, publication)
        waiters.leading.heard(event, publication)
        news.tell(event, publication)
        for over in publication.turns_over:
            waiters.over(event, over.user)

    hub.turned = turned
    startup.run(conductors.run(), "conductors")
    startup.on_stop(conductors.close)
    startup[FOLLOWERS].add(follower, KINDS)
    startup.run(feeders.run(startup.job("line")), "line feeder")
    startup.run(waiters.run(), "waiters")
    startup.run(waiters.leading.run(), "line leading")
    startup[JOBS].every("lines that nobody feeds", ADOPT_S, feeders.adopt)
    leaving = Leaving(entries, registry)
    startup[JOBS].every("places of who is gone", LEAVE_S, leaving.look)
    startup.on_stop(feeders.close)
    startup.metrics.counter(
        "onsale_line_fed_total",
        "Places that came late and were fed to events of this process.",
        lambda: feeders.fed,
    )


LINE: Final = Capability(
    name="line",
    open=_open,
    routes=(*rest.ROUTES, *rest_control.ROUTES),
    frames=FRAMES,
    tells=(Turn, Offer, TurnEnd, LineNow),
    tags={
        rest.TAG: """\
An event has one line: in front of the sale where it is set to have one, and the
waitlist behind it. One joins with a wish and has a place, which is the same on every
device; whoever is next and whose wish fits has their turn, with what they wished for
held for them. What is given back goes to the next in line in the same step.""",
    },
    examples=EXAMPLES,
    erase=(forget_entries,),
)
