"""People who order what they hold, and pay: once, twice, too little, late, or never.

They ask a process of ours and wait for the answer for a while; then they ask another
one the same, with the same key. At the bank they find the page of their order.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from persistence.shop.orders.rows import OrderBuyer, StoredOrder
from server.base.identity import Identity
from server.shop.orders.service import Codes, OrderAsk
from server.transport.rest.idempotency import new_id
from tests.simulation.giving import people
from tests.simulation.orders.bank import Account
from tests.simulation.orders.shop import AGAIN, Shop
from tests.simulation.shop import some_types

if TYPE_CHECKING:
    from tests.simulation.world import World

PATIENCE_S: Final = 5.0
TRIES_MAX: Final = 40
WAITED_MAX: Final = 30
GIVING: Final = frozenset(
    {"part", "lines", "keep", "rest", "goodwill", "retry", "hand"}
)
FAILING: Final = frozenset({"retry", "hand"})
"""What waits for a refund to fail."""

PLANS: Final = (
    ("create", "pay"),
    ("create", "twice"),
    ("create", "twice", "back"),
    ("create", "pay", "back"),
    ("create", "pay", "back", "back"),
    ("create", "pay", "outside"),
    ("create", "outside", "pay"),
    ("create", "pay", "outside", "back"),
    ("create", "less"),
    ("create", "more"),
    ("create", "yen"),
    ("create", "late"),
    ("create", "late"),
    ("create", "slow"),
    ("create", "decline", "again", "pay", "pay first"),
    ("create", "again", "pay first", "pay"),
    ("create", "decline", "again", "pay first", "pay", "back"),
    ("create", "back"),
    ("create", "back", "late"),
    ("create", "pay", "again"),
    ("create",),
)


class Buyer:
    """One order of somebody, from the hold to whatever comes of it."""

    def __init__(
        self, world: "World", user: str, event: str, hold: str, a: int, b: int
    ) -> None:
        self.world = world
        self.event, self.hold = event, hold
        self.who = Identity(user, "guest", 1 << 40)
        self.key = f"buy {len(world.buyers)}"
        plans = (*PLANS, *people.PLANS) if world.plan.gives else PLANS
        self.steps = list(plans[b % len(plans)])
        self.numbers = a
        self.types = some_types(world, event, hold, self.draw)
        self.email = "a@example.org"
        self.codes: tuple[str, ...] = ()
        if world.plan.codes:
            # The same people under several names, and addresses in several spellings.
            at = ("example.org", "Example.ORG")[self.draw(2)]
            self.email = f"m{self.draw(5)}@{at}"
            self.codes = world.offered.some_codes(event, self.draw)
            self._note_codes()
        elif world.plan.outboxes:
            self.email = f"{user}@example.org"
        self.chosen: Any = None
        """What the present step is about, once that is drawn."""
        self.order: str | None = None
        self.tries = 0
        self.asked = 0
        self.advance()

    @property
    def waits(self) -> bool:
        """Whether something is still to do."""
        return bool(self.steps)

    def draw(self, sides: int) -> int:
        """Draw from the numbers of the buyer."""
        self.numbers = (self.numbers * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return (self.numbers >> 8) % sides

    def advance(self) -> None:
        """Do the next step, or try it again."""
        if not self.steps:
            return
        self.tries += 1
        if self.tries > TRIES_MAX:
            self.steps.clear()
            return
        step = self.steps[0]
        if step == "create":
            self._ask(self._create)
        elif step in ("again", "back"):
            self._ask(self._again if step == "again" else self._back)
        elif step in GIVING:
            self._give(step)
        else:
            self._pay(step)

    def remember(self, draw: Callable[[], Any]) -> Any:
        """Draw what this step is about, once: asked again, it is the same."""
        if self.chosen is None:
            self.chosen = draw()
        return self.chosen

    def _done(self) -> None:
        """Go on after a while."""
        self.tries = 0
        self.chosen = None
        self.steps.pop(0)
        self.world.scheduler.call_later(self.draw(16) / 8, self.advance)

    # At our server.

    def _ask(self, work: Callable[[Shop], Awaitable[StoredOrder]]) -> None:
        serving = [one for one in self.world.slots if one.serves]
        self.asked += 1
        number = self.asked
        self.world.scheduler.call_later(PATIENCE_S, self._lose_patience, number)
        if serving:
            process = serving[self.draw(len(serving))]
            process.shop.ask(partial(self._answered, number), work)

    def _create(self, shop: Shop) -> Awaitable[StoredOrder]:
        wanted = OrderAsk(
            event=self.event,
            hold=self.hold,
            buyer=OrderBuyer(self.email, "A"),
            types=self.types or None,
        )
        codes = Codes(self.codes, None)
        return shop.service.create(self.who, wanted, self.key, codes=codes)

    def _again(self, shop: Shop) -> Awaitable[StoredOrder]:
        key = f"{self.key}, {len(self.steps)} to go"
        return shop.service.pay(self.who, self.order or "", key)

    def _back(self, shop: Shop) -> Awaitable[StoredOrder]:
        return shop.service.cancel(self.who, self.order or "")

    def _note_codes(self) -> None:
        """Note what the order redeems that a request makes, if it makes one."""
        order = new_id("ord", self.who.user, self.key)
        self.world.offered.named[order] = self.event, self.codes

    def _give(self, step: str) -> None:
        """Give back once it is known what becomes of the order."""
        row = self.world.tables.rows.get(self.order or "")
        if row is None:
            self.steps.clear()
        elif self.tries < WAITED_MAX and not people.is_open(row.stored.state):
            self.world.scheduler.call_later(0.5, self.advance)
        elif (work := people.work_of(self, step)) is not None:
            self._ask(work)
        elif self.tries < WAITED_MAX and step in FAILING:
            self.world.scheduler.call_later(0.5, self.advance)
        else:
            self._done()

    def _answered(self, number: int, said: StoredOrder | str) -> None:
        if number != self.asked or not self.steps:
            return
        self.asked += 1
        if said == AGAIN:
            self.world.scheduler.call_later(0.3, self.advance)
        elif isinstance(said, str) and self.order is None:
            if said.startswith("code_") and self.codes:
                # Then without them, which is another request.
                self.key, self.codes = f"{self.key} bare", ()
                self._note_codes()
                self.world.scheduler.call_later(0.1, self.advance)
                return
            self.steps.clear()
        else:
            if not isinstance(said, str):
                self.order = said.state.order
            self._done()

    def _lose_patience(self, number: int) -> None:
        if number == self.asked:
            self.advance()

    # At the bank.

    def _pay(self, step: str) -> None:
        sessions = self.world.bank.sessions_of(self.order or "")
        row = self.world.tables.rows.get(self.order or "")
        if row is None or row.stored.state.provider is None:
            self.steps.clear()
            return
        if not sessions or (step == "outside" and not self._captured(sessions)):
            if self.tries > 10:
                self._done()
            else:
                self.world.scheduler.call_later(0.5, self.advance)
            return
        account = sessions[0] if step in ("pay first", "outside") else sessions[-1]
        if step == "outside":
            account = self._captured(sessions)[0]
        self._at(step, account)
        self._done()

    def _captured(self, sessions: list[Account]) -> list[Account]:
        return [one for one in sessions if one.captured]

    def _at(self, step: str, account: Account) -> None:
        bank, ref, amount = self.world.bank, account.ref, account.attempt.amount
        wait_s = self.draw(64) / 4
        match step:
            case "pay":
                if account.state == "open":
                    bank.pay(ref, amount)
            case "twice":
                bank.pay(ref, amount)
                bank.pay_more(ref)
            case "pay first":
                bank.pay(ref, amount)
            case "less":
                bank.pay(ref, amount - 1)
            case "more":
                bank.pay(ref, amount + 500)
            case "yen":
                bank.pay(ref, amount, "JPY")
            case "decline":
                bank.move(ref, "failed")
            case "slow":
                bank.move(ref, "processing")
                bank.pay_later(wait_s, ref, amount)
            case "late":
                pay_s = self.world.plans[self.event].first_settings.pay_s
                bank.pay_later(pay_s + wait_s, ref, amount)
            case "outside":
                share = (0.3, 1.0)[self.draw(2)]
                bank.refund_outside(ref, share)
            case _:
                raise AssertionError(step)
