"""Tickets: made from the journal, shown to who holds them, checked without a server."""

from collections import defaultdict
from typing import Final

from persistence.shop.tickets.transfers import forget_transfers
from server.events.catalogue.service import EVENT_SERVICE
from server.live.followers.followers import FOLLOWERS
from server.people.notices.composer import COMPOSER
from server.people.organisations.membership import MEMBERSHIPS
from server.shop.orders.bodies import OrderTicket
from server.shop.orders.rest import ORDER_TICKETS
from server.shop.tickets import rest
from server.shop.tickets.examples import EXAMPLES
from server.shop.tickets.follower import KINDS, TicketFollower
from server.shop.tickets.keyring import Keyring, Vault
from server.shop.tickets.pictures import rest as pictures
from server.shop.tickets.pictures.files import TicketFiles
from server.shop.tickets.pictures.printer import PRINTER, Printer
from server.shop.tickets.service import TICKET_SERVICE, ShownTicket, TicketService
from server.shop.tickets.transfers import rest as transfers
from server.shop.tickets.transfers.service import (
    TRANSFER_SERVICE,
    TransferService,
)
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS
from server.transport.rest.examples import PathParameter
from server.transport.rest.story import TICKET_ID

OVER_S: Final = 60.0
"""How often it is looked for offers of tickets whose time is over."""


async def _open(startup: Startup) -> None:
    settings = startup.settings
    vault = Vault([settings.secret_key, settings.old_secret_key])
    keyring = Keyring(startup.pool, vault)
    startup[TICKET_SERVICE] = service = TicketService(
        startup.pool, keyring, startup[EVENT_SERVICE], startup[MEMBERSHIPS]
    )

    async def of_orders(orders: list[str], user: str) -> dict[str, list[OrderTicket]]:
        return _by_order(await service.of_orders(orders, user))

    startup[ORDER_TICKETS] = of_orders
    startup[TRANSFER_SERVICE] = passing = TransferService(startup.pool, service)
    startup[JOBS].every("transfers that are over", OVER_S, passing.store.end_over)
    startup[PRINTER] = printer = Printer()
    files = TicketFiles(service, printer)
    startup[COMPOSER].makes |= {"ticket": files.make, "booked": files.make_of}
    startup[FOLLOWERS].add(TicketFollower(keyring), KINDS)


def _by_order(tickets: list[ShownTicket]) -> dict[str, list[OrderTicket]]:
    """Return the tickets of orders as these show them."""
    found: defaultdict[str, list[OrderTicket]] = defaultdict(list)
    for shown in tickets:
        one = shown.ticket
        found[one.order or ""].append(
            OrderTicket(one.ticket, one.number, one.label, one.state, shown.code)
        )
    return found


TICKETS: Final = Capability(
    name="tickets",
    open=_open,
    # What ends in a form of its own comes first: an id fits it, too.
    routes=(*pictures.ROUTES, *transfers.ROUTES, *rest.ROUTES),
    erase=(forget_transfers,),
    parameters={"ticket": PathParameter("The ticket's id.", TICKET_ID)},
    tags={
        "Tickets": """\
One for each seat and place that is booked, a moment after the booking. Its `code` is
what the QR holds: signed, so that a gate checks it without us, with the keys of
`/v1/ticket-keys` and the list of what was revoked; `onsale ticket verify` does.""",
    },
    examples=EXAMPLES,
)
