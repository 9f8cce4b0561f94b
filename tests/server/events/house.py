"""The events of one process and the services over them, without a server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inventory.settings import Settings
from persistence.events.bookings import Bookings
from persistence.events.catalog import Catalog
from persistence.events.persons import Persons
from persistence.journal.journal import PostgresJournal
from persistence.people.organisations import Organisations
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.pool import Pool
from server.base.ids import RandomIds
from server.base.metrics import Metrics
from server.events.attendees.service import RegistrationService
from server.events.attendees.service_attendees import AttendeeService
from server.events.attendees.service_persons import PersonService
from server.events.bookings.service import BookingService
from server.events.catalogue.editing.service import EventEditing
from server.events.catalogue.row_cache import EventRows
from server.events.catalogue.service import EventService
from server.events.sales.service import SalesService
from server.events.venues.service import VenueService
from server.live.actors.registry import EventRegistry
from server.live.fanout.hub import Hub
from server.people.organisations.membership import Memberships
from server.people.organisations.membership_cache import Sellers
from tests.persistence.persons import organised, registered
from tests.server.identities import PEOPLE

SETTINGS = Settings(name="A talk", sale_state="on_sale", starts_at_ms=4_000_000_000_000)


class House:
    """One organisation with its people, and no event yet."""

    def __init__(
        self, pool: Pool, registry: EventRegistry, hub: Hub, clock: DatabaseClock
    ) -> None:
        self.pool, self.registry, self.hub, self.clock = pool, registry, hub, clock
        self.catalog = Catalog(pool)
        self.organisations = Organisations(pool)
        self.memberships = Memberships(self.organisations)
        registry.sellers = Sellers(self.organisations)
        self.rows = EventRows(self.catalog, hub.now)
        self.events = EventService(
            registry,
            self.catalog,
            self.rows,
            self.memberships,
            clock,
            takes_payments=False,
        )
        self.changes = 0
        """How often lists of events were to be made anew."""
        self.withdrawn: list[str] = []
        self.editing = EventEditing(
            self.events,
            self.catalog,
            self.rows,
            self.memberships,
            clock,
            changed=self._changed,
            withdrawn=[self._withdraw],
        )
        self.venues = VenueService(self.catalog, self.memberships, self._changed)
        self.sales = SalesService(self.events, self.memberships)
        self.bookings = BookingService(
            Bookings(pool), registry, self.events, self.memberships
        )
        persons = Persons(pool)
        self.attendees = AttendeeService(
            RegistrationService(pool, registry),
            persons,
            self.events,
            self.memberships,
        )
        self.persons = PersonService(persons, self.attendees, self.memberships)

    def _changed(self) -> None:
        self.changes += 1

    async def _withdraw(self, event: str) -> None:
        self.withdrawn.append(event)

    async def put(
        self,
        event: str,
        settings: Settings = SETTINGS,
        organisation: str | None = "org",
        maker: str = "usr_olga",
        capacity: int = 10,
    ) -> None:
        """Make an event with just a capacity."""
        await self.catalog.create_event(
            event,
            settings,
            capacity=capacity,
            created_by=maker,
            request_hash=b"",
            organisation=organisation,
        )


@asynccontextmanager
async def open_house(database_url: str, *, people: bool = True) -> AsyncIterator[House]:
    """Open the parts of a server that have to do with events.

    Without `people`, in a database that has them.
    """
    pool = await Pool.open(database_url)
    if people:
        await registered(pool, *PEOPLE)
        await organised(pool, olga="owner", lena="leader", stan="staff")
    clock = DatabaseClock()
    journal = await PostgresJournal.open(database_url, pool, "node test", clock)
    hub = Hub(asyncio.get_running_loop())
    registry = EventRegistry(Catalog(pool), journal, hub, clock, RandomIds(), Metrics())
    yield House(pool, registry, hub, clock)
    await registry.stop(5)
    await journal.close()
    await pool.close()
