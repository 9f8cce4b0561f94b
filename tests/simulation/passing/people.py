"""Holders who offer tickets, and those to whom these are mailed; and who has them then.

Some ask for what is not theirs, come with codes that are over, or ask twice. A twin
follows who has each ticket by what was committed, and holds each answer against it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from server.base.identity import Identity
from server.transport.ratelimit.meter import Meter
from tests.simulation.orders.shop import AGAIN
from tests.simulation.tickets.tables import SimTicket

if TYPE_CHECKING:
    from tests.simulation.orders.shop import Shop
    from tests.simulation.world import World

PAUSE_S: Final = 0.5
TRIES_MAX: Final = 4
METER: Final = Meter(None, "127.0.0.1", None, lambda _: None)

Answer = Callable[[Any], None]


class Passed(Struct, frozen=True):
    """A ticket that became somebody else's."""

    ticket: str
    generation: int
    giver: str
    taker: str


class Code(Struct, frozen=True):
    """What a mail brought: a ticket, and the code with which it is taken."""

    user: str
    ticket: str
    code: str


class Passing:
    """All who pass tickets on in a world."""

    def __init__(self, world: "World", random: Random) -> None:
        self.world = world
        self.random = random
        self.open = world.plan.gives and world.plan.outboxes
        self.passed: list[Passed] = []
        self.codes: list[Code] = []
        self.over: set[str] = set()
        """Codes of offers that were taken back, as somebody was answered."""
        self.counts = Counter[str]()
        self._asked = 0
        if self.open:
            world.scheduler.call_later(PAUSE_S, self._act)

    def close(self) -> None:
        """Offer and take nothing any more."""
        self.open = False

    def hear(self, recipient: str, data: dict[str, Any]) -> None:
        """Read a mail that offers a ticket."""
        user = recipient.partition("@")[0]
        self.codes.append(Code(user, data["ticket"], data["secret"]))

    def commit(self, before: SimTicket, after: SimTicket) -> None:
        """Follow who has a ticket: nobody passes on what is in (T5) or not on offer."""
        if before.holder == after.holder:
            return
        passed = Passed(after.ticket, after.generation, before.holder, after.holder)
        self.passed.append(passed)
        if self.world.tickets.is_in(after.ticket):
            self.world.violate(f"{after} was passed on, and is in")
        if before.state != "offered" or after.generation != before.generation + 1:
            self.world.violate(f"{before} became {after}")

    # What people do.

    def _act(self) -> None:
        if not self.open:
            return
        random = self.random
        wait_s = 2 * PAUSE_S * random.random()
        self.world.scheduler.call_later(wait_s, self._act)
        tickets = list(self.world.tickets.tickets.values())
        if not tickets:
            return
        # Most often of those that were made last: of many none would be met twice.
        some = tickets[-8:]
        ticket, chance = random.choice(some), random.random()
        if chance < 0.45:
            self._offer(ticket)
        elif chance < 0.9 and self.codes:
            self._accept(random.choice(self.codes[-6:]))
        else:
            offered = [one for one in some if one.state == "offered"]
            self._withdraw(random.choice(offered) if offered else ticket)

    def _somebody(self) -> str:
        return f"u{self.random.randrange(self.world.plan.users)}"

    def _offer(self, ticket: SimTicket) -> None:
        user = ticket.holder if self.random.random() < 0.9 else self._somebody()
        email, key = f"{self._somebody()}@example.org", f"offer {self._asked}"
        who = Identity(user, "guest", 1 << 40)
        self._ask(
            "offer",
            lambda shop: shop.passing.offer(who, ticket.ticket, email, key, METER),
            lambda _: None,
        )

    def _accept(self, code: Code) -> None:
        # Whoever has the code has the ticket: mostly to whom it was mailed.
        user = code.user if self.random.random() < 0.9 else self._somebody()
        who, was_over = Identity(user, "guest", 1 << 40), code.code in self.over

        def answered(_: object) -> None:
            if was_over:
                self.world.violate(f"{code} was taken back, and taken")
            if not any((x.ticket, x.taker) == (code.ticket, user) for x in self.passed):
                mine = self.world.tickets.tickets[code.ticket].holder
                if mine != user:
                    self.world.violate(f"{user} was told to have {code.ticket}")

        self._ask(
            "accept",
            lambda shop: shop.passing.accept(who, code.ticket, code.code, METER),
            answered,
        )

    def _withdraw(self, ticket: SimTicket) -> None:
        who = Identity(ticket.holder, "guest", 1 << 40)
        # Those that arrived by now are of this offer or of one before.
        known = {one.code for one in self.codes if one.ticket == ticket.ticket}

        def answered(_: object) -> None:
            self.over.update(known)

        self._ask(
            "withdraw",
            lambda shop: shop.passing.withdraw(who, ticket.ticket, None),
            answered,
        )

    def _ask(
        self, what: str, work: Callable[["Shop"], Awaitable[Any]], good: Answer
    ) -> None:
        """Ask one process after the other, until one answers."""
        self._asked += 1
        self._try(what, work, good, TRIES_MAX)

    def _try(
        self,
        what: str,
        work: Callable[["Shop"], Awaitable[Any]],
        good: Answer,
        left: int,
    ) -> None:
        serving = [one for one in self.world.slots if one.serves]
        if serving and left:
            answered = partial(self._answered, what, work, good, left - 1)
            self.random.choice(serving).shop.ask(answered, work)

    def _answered(
        self,
        what: str,
        work: Callable[["Shop"], Awaitable[Any]],
        good: Answer,
        left: int,
        said: Any,
    ) -> None:
        if said == AGAIN:
            # Perhaps it was done, and asked again it is the same.
            self.world.scheduler.call_later(0.5, self._try, what, work, good, left)
            return
        refused = isinstance(said, str)
        self.counts[f"{what} {said}" if refused else f"{what} ok"] += 1
        if not refused:
            good(said)
