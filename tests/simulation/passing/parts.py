"""What passes tickets on in one process: what ships, over the simulated tables."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import server.shop.tickets.transfers.service as service
from persistence.shop.tickets.tickets import Ticket
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal
from server.shop.tickets.problems import TICKET_NOT_FOUND
from server.shop.tickets.service import ShownTicket
from tests.simulation.orders.house import HOUSE, MANAGER
from tests.simulation.passing.tables import ticket_of
from tests.simulation.statements import BEGAN
from tests.simulation.tickets.tables import SimKeyring

if TYPE_CHECKING:
    from tests.simulation.orders.tables import SimPool, Transaction

END_S: Final = 1.0
"""How often it is looked for offers that are over."""


class SimTickets:
    """Stands for `Tickets` and `TicketService`: no code of a ticket is drawn here."""

    keyring = SimKeyring()

    def __init__(self, pool: "SimPool") -> None:
        self._pool = pool
        self.store = self

    async def find(self, *asked: Any) -> Any:
        """Return a ticket as its store does, or to somebody as the service does."""
        *who, ticket = asked
        found = await self._pool.run(lambda connection: _shown(connection, ticket))
        if not who:
            return found
        if found is None or not _sees(who[0], found):
            raise Refusal(TICKET_NOT_FOUND)
        return ShownTicket(found, None)


def _sees(who: Identity, found: Ticket) -> bool:
    return who.user in (found.holder, found.buyer) or who == MANAGER


def _shown(connection: "Transaction", ticket: str) -> Ticket | None:
    one = ticket_of(connection, ticket)
    if one is None:
        return None
    settings = connection.tables.world.database.head(one.event).settings
    row = connection.tables.rows.get(one.order or "")
    return Ticket(
        ticket=one.ticket,
        order=one.order,
        line=one.line,
        booking=one.booking,
        reference="",
        event=one.event,
        number=one.number,
        generation=one.generation,
        state=one.state,
        holder=one.holder,
        holder_name=None,
        buyer=one.holder if row is None else row.stored.user,
        kind=one.kind,
        label=one.label,
        category=None,
        area=None,
        place=None,
        key="key",
        issued_at=BEGAN,
        created_at=BEGAN,
        revoked_at=None,
        entered_at=None,
        event_name=one.event,
        starts_at=BEGAN,
        timezone="UTC",
        sale_state="on_sale" if settings is None else settings.sale_state,
        venue_name=None,
        organisation=HOUSE,
        maker=MANAGER.user,
    )


def new_code() -> str:
    """Return a code that is the same in each run."""
    loop: Any = asyncio.get_running_loop()
    return f"secret {loop.world.tickets.number():06}"


PATCHES: Final[tuple[tuple[Any, str, Any], ...]] = ((service, "new_code", new_code),)
