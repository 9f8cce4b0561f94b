"""The shop in one process: what ships, over the simulated tables, events and bank."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

import persistence.shop.orders.cancelled as cancelled
import server.shop.orders.attempts as attempts
import server.shop.orders.driving.driver as driving
import server.shop.orders.rules as rules
import server.shop.orders.service as service
import server.shop.orders.webhooks.service as webhooks
from inventory.commands import AnyCommand
from inventory.ports import Ids
from inventory.replies import Reply
from persistence.errors import Unavailable
from persistence.shop.orders.cancelled import CancelledOrders
from persistence.shop.promotions.promotions import Promotions
from server.base.access import Denial
from server.base.identity import Identity
from server.base.jobs import Job
from server.base.refusals.refusals import Denied, Refusal
from server.live.actors.registry import EventNotFound, EventUnavailable, ask
from server.shop.orders.driving.desk import Desk
from server.shop.orders.driving.driver import Driver
from server.shop.orders.driving.lookout import Lookout
from server.shop.orders.giving.event_refunds import EventRefunds
from server.shop.orders.giving.service import GivingService
from server.shop.orders.service import OrderService
from server.shop.orders.webhooks.service import WebhookService
from server.shop.payments.provider import ProviderUnavailable
from server.shop.promotions.service import PromotionService
from server.shop.tickets.transfers.service import TransferService
from tests.simulation.orders.bank import NAME, BankLine
from tests.simulation.orders.house import HOUSE, MANAGER
from tests.simulation.orders.tables import LOOK_FIRST_MS, SimOrders, SimPool
from tests.simulation.outboxes.parts import Outboxes
from tests.simulation.passing.parts import END_S, SimTickets

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

LOOK_S: Final = 2.0
GIVE_BACK_S: Final = 1.0
LOOK_OUT_S: Final = 1.0
"""How often it is looked for webhooks that wait, and for attempts at rest."""

AGAIN: Final = "again"
"""The answer to a buyer after which the same may be asked again."""

CLOCKS: Final[tuple[tuple[Any, str, Any], ...]] = (
    (attempts, "LOOK_FIRST_MS", LOOK_FIRST_MS),
    (rules, "LEASE_MS", 2_000),
    (rules, "LOOK_MS", 4_000),
    (rules, "CLOSING_MS", 700),
    (driving, "LOOK_S", 0.5),
)
"""The same rules on shorter clocks: a world lasts a minute or two."""


class Found:
    """An event as the catalogue tells the shop of it."""

    def __init__(self, local: Any) -> None:
        self.local = local
        self.board = local.board
        self.organisation = HOUSE
        self.maker = MANAGER.user


class Row:
    """An event's row."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        self.organisation = HOUSE
        self.created_by = MANAGER.user


class Events:
    """Stands for `EventService`."""

    def __init__(self, process: "Process") -> None:
        self._process = process

    async def find(self, who: Identity, event: str) -> Found:
        return Found(await self._process.event_registry.find(event))

    async def find_row(self, event: str) -> Row:
        return Row(self._process.world.plans[event].settings)

    find_row_anew = find_row


class Members:
    """Stands for `Memberships`: one person manages everything."""

    async def manages(self, who: Identity, *_: object) -> bool:
        return who == MANAGER

    sees = manages

    async def require_manager(self, who: Identity, *_: object) -> None:
        if who != MANAGER:
            raise Denied(Denial("forbidden", "This is for who manages the event."))


class Shop:
    """The parts of one process, and how buyers and the bank reach them."""

    def __init__(self, process: "Process", ids: Ids) -> None:
        world = process.world
        self.world = world
        self.process = process
        pool: Any = SimPool(world.tables)
        orders: Any = SimOrders(pool)
        bank = BankLine(world.bank)
        self.desk = Desk(pool, lambda _: None, process.journal.clock, lambda _: None)
        self.driver = Driver(
            orders,
            self.desk,
            process.event_registry,
            bank,
            lambda: "http://shop",
            process.journal.clock.now_ms,
        )
        self.lookout = Lookout(pool, self.driver)
        self.webhooks = WebhookService(pool, self.desk, self.driver, bank)
        events: Any = Events(process)
        members: Any = Members()
        promotions = PromotionService(Promotions(pool), events)
        self.service = OrderService(
            pool, self.desk, self.driver, events, members, ids, promotions
        )
        store = CancelledOrders(pool)
        self.giving = GivingService(self.service, store, process.journal.clock)
        self.event_refunds = EventRefunds(store, self.service.giver, self.driver)
        self.outboxes = Outboxes(process, pool)
        tickets: Any = SimTickets(pool)
        self.passing = TransferService(pool, tickets)

    def start(self) -> None:
        self.process.spawn(self.driver.run(Job()))
        self.process.spawn(self.again(LOOK_S, self.webhooks.look))
        self.process.spawn(self.again(LOOK_OUT_S, self.lookout.look))
        if self.world.plan.gives:
            give_back = self.event_refunds.give_back
            self.process.spawn(self.again(GIVE_BACK_S, give_back))
        if self.world.plan.outboxes:
            self.outboxes.start()
            self.process.spawn(self.again(END_S, self.passing.store.end_over))

    async def again(
        self, every_s: float, work: Callable[[], Awaitable[object]]
    ) -> None:
        """Do what a job does, though not in one process of all at a time."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await work()
            except (Unavailable, ProviderUnavailable):
                continue

    async def hear(self, name: str, headers: dict[str, str], body: bytes) -> None:
        """Take a webhook; the bank hears yes, or tries again."""
        try:
            await self.webhooks.take(NAME, headers, body)
        except (Unavailable, Refusal):
            return
        if headers["mac"] != "good":
            self.world.violate(f"A webhook was taken that is {headers['mac']}")
        self.world.bank.acknowledged.add(name)

    def ask(
        self,
        answer: Callable[[Any], None],
        work: Callable[["Shop"], Awaitable[Any]],
    ) -> None:
        """Let a service do something for somebody, who may never hear of it."""

        async def run() -> None:
            said: Any
            try:
                said = await work(self)
            except (Unavailable, EventUnavailable):
                said = AGAIN
            except EventNotFound:
                said = "event_not_found"
            except Refusal as error:
                kind = error.kind
                said = kind if isinstance(kind, str) else kind.code
                if _passes(error):
                    said = AGAIN
            self.world.scheduler.call_soon(answer, said)

        self.process.do(run)


def _passes(error: Refusal) -> bool:
    """Return whether the same may be asked again."""
    if error.kind in ("unavailable", "overloaded", "outcome_unknown"):
        return True
    return getattr(error.kind, "code", None) == "provider_unavailable"


async def ask_and_note(
    local: Any,
    command: AnyCommand,
    user: str,
    organizer: bool,
    key: str | None,
    *,
    system: bool = False,
) -> Reply:
    """Ask an event as the driver does, and note what was asked and answered."""
    loop: Any = asyncio.get_running_loop()
    world: World = loop.world
    event: str = command.event
    command.key = key
    history = world.histories[event]
    operation = history.call(
        "shop", user, command, system=True, at_s=world.scheduler.now
    )
    world.commands += 1
    reply = await ask(local, replace(command), user, organizer, key, system=system)
    history.returned(operation, reply, world.scheduler.now)
    return reply


class Log:
    """What the driver and the webhooks say; what they did not expect is a violation."""

    def info(self, *_: object, **__: object) -> None:
        """Say nothing."""

    warning = error = info

    def exception(self, sentence: str, **of: object) -> None:
        loop: Any = asyncio.get_running_loop()
        loop.world.violate(f"{sentence}: {sys.exception()!r} {of}")


PATCHES: Final[tuple[tuple[Any, str, Any], ...]] = (
    *CLOCKS,
    (driving, "ask", ask_and_note),
    (driving, "log", Log()),
    (webhooks, "log", Log()),
    (service, "OrderList", lambda pool: None),
    (cancelled, "SLICE", 3),
)
