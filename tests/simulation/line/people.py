"""People in lines: they join, wish, pause, leave, reload and come back; and managers.

What somebody was told of a place is noted, and held against what is told next. Whoever
has a turn holds something as any buyer does, by the socket that is theirs: so the rest
of the world books it, orders it, gives it back, or forgets about it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from inventory import commands as c
from inventory.line.wishes import Wish
from inventory.ports import TurnNews
from persistence.events.line.entries import Entry
from server.base.identity import Identity
from server.events.line.service import Asked, OwnPlace
from server.live.actors.registry import ask
from tests.simulation.client import KNOWN_MAX
from tests.simulation.line.listening import Listening
from tests.simulation.orders.buyers import Buyer
from tests.simulation.orders.house import MANAGER
from tests.simulation.orders.shop import AGAIN, Shop
from tests.simulation.shop import ORDERS_MAX

if TYPE_CHECKING:
    from tests.simulation.client import Client
    from tests.simulation.line.parts import LineParts
    from tests.simulation.world import World

TRIES_MAX: Final = 4
TRY_AGAIN_S: Final = 0.4
HERE_S: Final = 1.5
"""So long somebody counts as here who looked."""

Work = Callable[["LineParts"], Awaitable[Any]]


class Ack(Struct, frozen=True):
    """That somebody was told to be in a line."""

    event: str
    user: str
    stub: bytes
    at_s: float


class Person:
    """Somebody in one line, by what they were told."""

    def __init__(self, number: int, user: str, event: str) -> None:
        self.number = number
        self.user = user
        self.event = event
        self.named = event, number
        self.who = Identity(user, "guest", 1 << 40)
        self.stub = b""
        """Of the place that they believe to have; empty where none."""
        self.place = ""
        self.draw = 0
        self.told: dict[tuple[bytes, int], tuple[int, int | None]] = {}
        """Rank, and how many are ahead, by place and draw."""
        self.seen = 0
        """How often they were told of it."""
        self.here_until = 0.0

    @property
    def rank(self) -> int | None:
        """The rank of the place that they believe to have, if they know it."""
        found = self.told.get((self.stub, self.draw))
        return None if found is None else found[0]


class Crowd:
    """All who stand in lines of a world, and who manages these."""

    def __init__(self, world: "World", random: Random) -> None:
        self.world = world
        self.random = random
        self.counts = Counter[str]()
        self.acks: list[Ack] = []
        self.turns: list[tuple[str, TurnNews, float]] = []
        """Turns that some process told of, and when."""
        self.left: list[tuple[str, int]] = []
        """Places that somebody was told to have left."""
        self.transcripts: list[tuple[str, bytes]] = []
        self.repaced = False
        """Whether somebody set another pace."""
        self.well_s = float("inf")
        """Since when nothing goes wrong."""
        self.closed: set[str] = set()
        """Lines of which nothing is told any more, or of which enough was said."""
        self.listening = Listening(world)
        events = [name for name, one in world.plans.items() if one.lined]
        users = list(dict.fromkeys(f"u{n % world.plan.users}" for n in range(1, 999)))
        self.people = [
            Person(number, user, event)
            for event in events
            for number, user in enumerate(users[: world.plan.people])
        ]
        self.events = events
        self.open = bool(self.people)
        if self.open:
            for event in events:
                wait_s = 1.0 * random.random()
                world.scheduler.call_later(wait_s, self._open_line, event)
            world.scheduler.call_later(0.2, self._act)
            world.scheduler.call_later(0.3, self._stay)
            world.scheduler.call_later(0.4, self.listening.look, self.people)

    def close(self) -> None:
        """Want nothing new any more, as nothing goes wrong."""
        self.open = False
        self.well_s = self.world.scheduler.now

    # Asking.

    def ask(self, what: str, work: Work, good: Callable[[Any], None]) -> None:
        """Ask one process after the other, until one answers."""
        self._try(what, work, good, TRIES_MAX)

    def _try(
        self, what: str, work: Work, good: Callable[[Any], None], left: int
    ) -> None:
        serving = [one for one in self.world.slots if one.serves and one.line]
        if not serving or not left:
            return

        def at(shop: Shop) -> Awaitable[Any]:
            assert shop.process.line is not None
            return work(shop.process.line)

        answered = partial(self._answered, what, work, good, left - 1)
        self.random.choice(serving).shop.ask(answered, at)

    def _answered(
        self, what: str, work: Work, good: Callable[[Any], None], left: int, said: Any
    ) -> None:
        if said == AGAIN:
            retry = partial(self._try, what, work, good, left)
            self.world.scheduler.call_later(TRY_AGAIN_S, retry)
            return
        refused = isinstance(said, str)
        self.counts[f"line {what} {said}" if refused else f"line {what} ok"] += 1
        if not refused:
            good(said)
        elif said == "place_not_found":
            self.counts["line lost"] += 1

    # Managers.

    def _open_line(self, event: str) -> None:
        """Open a line that nobody opens by joining; again where that failed."""
        if self.open and event not in self.world.tables.store.line:
            self.ask("open", lambda x: x.control.open(MANAGER, event), lambda _: None)
            self.world.scheduler.call_later(1.0, self._open_line, event)

    def _manage(self, event: str) -> None:
        random = self.random
        chance = random.random()
        if chance < 0.45:
            self._pause_line(event)
        elif chance < 0.6:
            terms: dict[str, Any] = random.choice(
                (
                    {"serve_away": random.random() < 0.5},
                    {"turn_s": random.choice((2, 6))},
                    {"offer_s": random.choice((2, 6))},
                    {"sell_out_s": random.choice((0, 20))},
                    {"count_returns": random.random() < 0.5},
                )
            )
            self.repaced = self.repaced or "sell_out_s" in terms
            command = c.SetLine(id=0, event=event, act="set", **terms)
            self._order("set line", event, command)
        elif chance < 0.8:
            user = random.choice(self.people).user
            grant = c.GrantTurn(
                id=0, event=event, user=user, until_s=5, because="presale"
            )
            self._order("grant", event, grant)
        elif chance < 0.97:
            self.restart(event)
        else:
            self.close_line(event)

    def restart(self, event: str) -> None:
        """Ask for another draw; one that somebody began and did not end goes on."""

        async def restart(parts: "LineParts") -> Any:
            return await parts.draws.restart(
                await parts.control.managed(MANAGER, event), None
            )

        self.ask("restart", restart, _ignore)

    def _pause_line(self, event: str) -> None:
        self.ask(
            "pause line", lambda x: x.control.act(MANAGER, event, "pause"), _ignore
        )
        go_on = partial(self.resume, event)
        self.world.scheduler.call_later(2 * self.random.random(), go_on)

    def resume(self, event: str) -> None:
        """Let a line go on that was paused."""
        self.ask("resume", lambda x: x.control.act(MANAGER, event, "resume"), _ignore)

    def close_line(self, event: str) -> None:
        """Close a line for good."""
        self.closed.add(event)
        self.ask("close", lambda x: x.control.act(MANAGER, event, "close"), _ignore)

    def read(self, event: str) -> None:
        """Read the transcript of a line."""

        async def write(parts: "LineParts") -> bytes:
            return b"".join(
                [x async for x in parts.transcripts.write(None, event, None)]
            )

        def keep(told: bytes) -> None:
            self.transcripts.append((event, told))

        self.ask("transcript", write, keep)

    def _order(self, what: str, event: str, command: Any) -> None:
        async def order(parts: "LineParts") -> Any:
            local = await parts.process.event_registry.find(event)
            return await ask(local, command, MANAGER.user, True, None)

        self.ask(what, order, _ignore)

    # People.

    def _act(self) -> None:
        """Let somebody do something."""
        if not self.open:
            return
        random, plan = self.random, self.world.plan
        pause_s = 2 * plan.seconds / plan.line_acts * random.random()
        self.world.scheduler.call_later(pause_s, self._act)
        if random.random() < 0.04:
            self._manage(random.choice(self.events))
            return
        person = random.choice(self.people)
        chance = random.random()
        if not person.stub or chance < 0.15:
            self.join(person)
        elif chance < 0.45:
            self._look(person)
        elif chance < 0.65:
            person.here_until = self.world.scheduler.now + 12 * random.random()
            self._look(person)
        elif chance < 0.78:
            wish, event = self.wish(person.event), person.event
            self.ask(
                "wish", lambda x: x.desk.set_wish(person.who, event, wish), _ignore
            )
        elif chance < 0.86:
            self._pause(person)
        elif chance < 0.9:
            self.ask(
                "leave",
                lambda x: x.desk.leave(person.who, person.event),
                partial(self._has_left, person),
            )
        elif chance < 0.93:
            self._leave_halfway(person)
        elif chance < 0.96:
            self._open(person)
        else:
            self._extend(person)

    def wish(self, event: str) -> Wish | None:
        """Draw what somebody wishes for."""
        random, plan = self.random, self.world.plans[event]
        if plan.lined != "list" and random.random() < 0.35:
            return None
        keys = [one.key for one in plan.venue.map.categories]
        some = random.sample(keys, random.choice((0, 1, min(2, len(keys)))))
        accessible = random.random() < 0.06
        return Wish(
            random.choice((1, 1, 2, 2, 3)),
            tuple(some),
            together=accessible or random.random() < 0.7,
            accessible=accessible,
            if_none=random.choice(("wait", "browse")),
        )

    def join(self, person: Person) -> None:
        """Join, or ask for the place that one has."""
        wish = None if person.stub else self.wish(person.event)
        device = f"d{person.number}" if self.random.random() < 0.5 else None
        asked = Asked(wish, "", device)
        self.ask(
            "join",
            lambda x: x.desk.join(person.who, person.event, asked),
            partial(self._has_joined, person),
        )

    def _has_joined(self, person: Person, place: OwnPlace) -> None:
        self.acks.append(
            Ack(person.event, person.user, place.stub, self.world.scheduler.now)
        )
        person.stub, person.place = place.stub, place.place

    def _look(self, person: Person) -> None:
        self.ask(
            "look",
            lambda x: x.desk.mine(person.who, person.event),
            partial(self._saw, person, person.seen),
        )

    def _saw(self, person: Person, seen: int, found: tuple[Any, Entry]) -> None:
        """Hold what is told of a place against what was told before it was asked."""
        entry = found[1]
        if seen != person.seen:
            return
        person.seen += 1
        if entry.over_at is not None:
            if entry.stub == person.stub:
                person.stub = b""
            return
        person.stub, person.draw = entry.stub, entry.draw
        rank, ahead = person.told.get((entry.stub, entry.draw), (None, None))
        told = f"{person.user} of {person.event} was told {rank} and {ahead} before"
        if rank is not None and entry.rank != rank:
            self.world.violate(f"L1: {told}, then {entry}")
        if ahead is not None and (entry.ahead is None or entry.ahead > ahead):
            self.world.violate(f"L23: {told}, then {entry.ahead}")
        if entry.rank is not None:
            person.told[entry.stub, entry.draw] = entry.rank, entry.ahead

    def _leave_halfway(self, person: Person) -> None:
        """Leave by a process that dies before it notes that in the row."""
        rank, event = person.rank, person.event
        if rank is None:
            return

        async def leave(parts: "LineParts") -> Any:
            local = await parts.process.event_registry.find(event)
            command = c.LeaveLine(id=0, event=event, rank=rank)
            return await ask(local, command, person.user, False, None)

        self.ask("leave halfway", leave, partial(self._has_left, person))

    def _open(self, person: Person) -> None:
        """L27: open a place with what its holder has, and try it on others' places."""
        random, token = self.random, person.place
        if not token:
            return

        async def opened(parts: "LineParts") -> list[str]:
            return [await parts.desk.open_place(token)]

        self.ask("open place", opened, partial(self._is, person))
        other = random.choice(self.people)
        if (other.user, other.event) != (person.user, person.event):
            self.ask(
                "open other's",
                lambda x: x.desk.mine(other.who, other.event, token),
                partial(self._opened, person, other),
            )

    def _is(self, person: Person, found: list[str]) -> None:
        if found != [person.user]:
            self.world.violate(f"L27: {person.user}'s place was opened as {found}'s")

    def _opened(self, person: Person, other: Person, found: Any) -> None:
        told = f"{person.user}'s place in {person.event}"
        self.world.violate(f"L27: {told} opened {other.user}'s: {found[1]}")

    def _has_left(self, person: Person, _: Any) -> None:
        person.stub = b""

    def _pause(self, person: Person) -> None:
        event = person.event
        self.ask("pause", lambda x: x.desk.pause(person.who, event, "pause"), _ignore)
        wait_s = 3 * self.random.random()
        self.world.scheduler.call_later(wait_s, self._go_on, person)

    def _go_on(self, person: Person) -> None:
        event = person.event
        self.ask("go on", lambda x: x.desk.pause(person.who, event, "resume"), _ignore)

    def _extend(self, person: Person) -> None:
        async def extend(parts: "LineParts") -> Any:
            local = await parts.process.event_registry.find(person.event)
            command = c.ExtendTurn(id=0, event=person.event)
            return await ask(local, command, person.user, False, None)

        self.ask("extend", extend, _ignore)

    def _stay(self) -> None:
        """Let each process know who looks at it."""
        now = self.world.scheduler.now
        self.world.scheduler.call_later(0.7, self._stay)
        for person in self.people:
            if person.rank is None or person.here_until < now:
                continue
            process = self.world.slots[person.number % len(self.world.slots)]
            if process.serves and process.line is not None:
                waiters = process.line.waiters
                rank, event = person.rank, person.event
                draw = person.draw
                process.loop.call_soon(waiters.polled, event, draw, rank, HERE_S)

    # Turns.

    def hear(self, event: str, news: TurnNews) -> None:
        """Hear of somebody's turn, from each process that tells of it."""
        self.turns.append((event, news, self.world.scheduler.now))
        known = sum(1 for of, one, _ in self.turns if (of, one) == (event, news))
        if known == 1:
            wait_s = 2 * self.random.random()
            self.world.scheduler.call_later(wait_s, self._use, event, news)

    def _use(self, event: str, news: TurnNews) -> None:
        """Use a turn: hold something, or do something with what is held."""
        clients = [one for one in self.world.clients if one.user == news.user]
        connected = [one for one in clients if one.wire is not None]
        if not connected or not self.open:
            return
        client = self.random.choice(connected)
        if news.hold is None:
            quantity = self.random.choice((1, 2, 2, 4))
            client.ask(c.HoldBest(id=0, event=event, quantity=quantity))
            return
        self._have(client, event, news.hold)

    def _have(self, client: "Client", event: str, hold: str) -> None:
        random, world = self.random, self.world
        client.holds[event].append(hold)
        del client.holds[event][:-KNOWN_MAX]
        chance = random.random()
        if chance < 0.4 and len(world.buyers) < ORDERS_MAX:
            a, b = random.getrandbits(20), random.getrandbits(20)
            world.buyers.append(Buyer(world, client.user, event, hold, a, b))
        elif chance < 0.7:
            client.ask(c.Book(id=0, event=event, hold=hold))
        elif chance < 0.85:
            client.ask(c.Release(id=0, event=event, hold=hold))


def _ignore(_: Any) -> None:
    """Expect nothing of an answer."""
