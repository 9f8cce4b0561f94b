"""Gates: lists, scans, what was scanned without us, and how it goes."""

from typing import Final

from persistence.shop.checkin.counts import Counts
from persistence.shop.checkin.lists import CheckinLists
from persistence.shop.checkin.merge import Merge
from persistence.shop.checkin.scans import Scans
from server.events.catalogue.service import EVENT_SERVICE
from server.people.organisations.membership import MEMBERSHIPS
from server.shop.checkin import rest, rest_lists
from server.shop.checkin.codes import CodeReader
from server.shop.checkin.examples import EXAMPLES, LIST_ID, NONCE
from server.shop.checkin.feed import GATE_FEED, GateFeed
from server.shop.checkin.frames import FRAMES
from server.shop.checkin.rules import fold, judge
from server.shop.checkin.service import CHECKIN_SERVICE, CheckinService
from server.shop.checkin.service_lists import LIST_SERVICE, ListService
from server.shop.tickets.service import TICKET_SERVICE
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    pool = startup.pool
    counts = Counts(pool)
    startup[CHECKIN_SERVICE] = gates = CheckinService(
        Scans(pool, judge),
        Merge(pool, fold),
        CheckinLists(pool),
        counts,
        CodeReader(startup[TICKET_SERVICE].keyring),
        startup[EVENT_SERVICE],
        startup[MEMBERSHIPS],
    )
    startup[LIST_SERVICE] = ListService(gates)
    startup[GATE_FEED] = feed = GateFeed(counts.of_lists)
    startup.run(feed.run(startup.job("gates")), "gates")


CHECKIN: Final = Capability(
    name="check-in",
    open=_open,
    routes=(*rest.ROUTES, *rest_lists.ROUTES),
    frames=FRAMES,
    parameters={
        "list": PathParameter(
            "The id of a check-in list; each event has `main`.", LIST_ID
        ),
        "nonce": PathParameter("What the device calls a scan.", NONCE, recorded=False),
    },
    makes={"lists": "list"},
    tags={
        "Check-in": """\
Who passes the gates of an event. Devices are API keys with the scope `checkin`. A scan
is decided by the database: of several at once one is `ok`. A gate that loses its
connection goes on with `/v1/events/{event}/checkin/bundle`, and uploads what it decided
when it is back: facts are kept as they were, in whatever order they come. On the
websocket, `watch_gate` tells how it goes.""",
    },
    examples=EXAMPLES,
)
