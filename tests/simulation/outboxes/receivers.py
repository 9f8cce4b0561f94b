"""Those at the other end: a mail server, and machines of organisers.

They say yes, no, not now, nothing for too long, or take what they are sent and lose the
answer. What they got is all that they know.
"""

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from tests.simulation.outboxes.hooks import hook

if TYPE_CHECKING:
    from tests.simulation.world import World

TIMES_MAX: Final = 12
"""Nothing has reasons to come oftener than that."""

ALL: Final = "all"
SOME: Final = "some"
"""Hooks: one that hears of everything, and one that wants some of it, and less."""

HOOKS: Final[dict[str, tuple[str, ...]]] = {
    ALL: (),
    SOME: ("order.confirmed", "order.refunded", "ticket.transferred"),
}
ANSWERS: Final = ("yes", "no", "later", "lost", "silent", "slow")
"""And `gone`, now and then, of one hook."""


class Got(Struct, frozen=True):
    """Something that arrived."""

    name: str
    said: str
    """All that it says: the same each time."""


class Sending(Struct):
    """A message of a hook on its way, and until when its sender has the hook."""

    process: Any
    until: Any


class Receivers:
    """The other ends of one world."""

    def __init__(self, world: "World", random: Random) -> None:
        self.world = world
        self.random = random
        self.good = random.choice((1.0, 0.7, 0.3))
        """How often they say yes at once."""
        self.mails: list[Got] = []
        self.hooks: dict[str, list[Got]] = {name: [] for name in HOOKS}
        self.sending: dict[str, list[Sending]] = {name: [] for name in HOOKS}
        self.answers = Counter[str]()
        """How often each answer was given, for what a run had in it."""
        self.replayed: set[str] = set()
        self.was_off = False
        self.pages: set[str] = set()
        """Notices that open pages were told of."""
        if world.plan.outboxes:
            for name, types in HOOKS.items():
                world.tables.store.hook[name] = hook(name, types)

    def heal(self) -> None:
        """Say yes from now on."""
        self.good = 1.0

    def answer(self, kind: str, name: str) -> str:
        """Draw what is answered."""
        said = "yes"
        if self.random.random() >= self.good:
            said = self.random.choice(ANSWERS)
            if name == SOME and self.random.random() < 0.05:
                said, self.was_off = "gone", True
        self.answers[f"{kind} {said}"] += 1
        return said

    def take_mail(self, name: str, said: str) -> None:
        """Get a mail; nobody is told what did not happen, nor two things as one."""
        if name not in self.world.tables.store.mail:
            self.world.violate(f"{name} was never committed")
        self._check(self.mails, name, said)
        self.mails.append(Got(name, said))

    def take_hook(self, hook: str, name: str, said: str) -> None:
        """Get a message of a hook, in the order in which these were raised."""
        table, got = self.world.tables.store.hook_delivery, self.hooks[hook]
        if name not in table:
            self.world.violate(f"{name} was never committed")
            return
        self._check(got, name, said)
        got.append(Got(name, said))

    def begin(self, hook: str, name: str, sending: Sending) -> None:
        """Note who sends; two do not at once, unless the first one's time is over."""
        now = self.world.tables.store.now()
        for other in self.sending[hook]:
            same = other.process is sending.process
            if not same and other.process.loop.alive and other.until > now:
                self.world.violate(f"Two processes send to {hook} at once")
        self.sending[hook].append(sending)

    def _check(self, got: list[Got], name: str, said: str) -> None:
        before = [one for one in got if one.name == name]
        if any(one.said != said for one in before):
            self.world.violate(f"{name} says {said}, and said {before[0].said}")
        if len(before) >= TIMES_MAX:
            self.world.violate(f"{name} came more than {TIMES_MAX} times")
