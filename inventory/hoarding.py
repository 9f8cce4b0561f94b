"""What is remembered of those who hold much, or let the same places go again and again.

Only of holds with an `origin`: who is not limited by address has none, and neither have
those of former versions. `Stock.apply` notes, and `rules/hoarding.py` asks.

All of it is bounded: networks are remembered while something of theirs is held, and
`LET_GO_COUNTS_MS` more, and what was let go in tables that forget the oldest first.
"""

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from inventory import limits
from inventory.changes import Seats
from inventory.records import Corrupt, HoldRecord

LatelyRow = tuple[int, str, int]
"""When places were let go, of which network, and how many."""

LetGoRow = tuple[str, int, int, int, int, str]
"""Who let go which place, and the fields of its `LetGo`."""


class Network(Struct, gc=False):
    """How many places one network holds, and let go lately."""

    held: int = 0
    gone: int = 0
    """The sum of `lately`."""
    lately: list[tuple[int, int]] = []
    """When places were let go, and how many; the oldest first."""


class LetGo(Struct, frozen=True, gc=False):
    """How often a place was let go, and until when that closes it."""

    times: int
    closed_until_ms: int
    forgotten_ms: int
    by: str
    """The user who was the last to do so."""


class Memory(Struct, gc=False):
    """What one user, or one network, let go; the last one comes last."""

    places: dict[int, LetGo] = {}
    closed_until_ms: int = 0
    """When none of them is closed any more, at the latest."""
    forgotten_ms: int = 0


class LetGoTable:
    """Who let go what, each as often as counts. The oldest are forgotten first."""

    __slots__ = ("_of", "_size")

    def __init__(self) -> None:
        self._of: dict[str, Memory] = {}
        self._size = 0

    def of(self, who: str) -> Memory | None:
        """Return what somebody let go; None for nothing."""
        return self._of.get(who)

    def note(
        self, who: str, places: Iterable[int], by: str, at_ms: int, hold_ttl_s: int
    ) -> None:
        """Note that `who` let these go; of a network only turns of its users count."""
        forgotten_ms = at_ms + limits.LET_GO_MEMORY_MS
        forgotten_ms += limits.HOLD_LIFE_FACTOR * hold_ttl_s * 1_000
        memory = self._of.pop(who, None) or Memory()
        known = memory.places
        self._size -= len(known)
        first = LetGo(1, at_ms, forgotten_ms, by)
        for place in places:
            before = known.pop(place, None)
            if before is None or before.forgotten_ms <= at_ms:
                known[place] = first
                continue
            times, closed_ms = before.times, before.closed_until_ms
            if who == by or before.by != by:
                times += 1
                closed_ms = at_ms + closed_for_ms(times)
                memory.closed_until_ms = max(memory.closed_until_ms, closed_ms)
            known[place] = LetGo(times, closed_ms, forgotten_ms, by)
        while len(known) > limits.LET_GO_PLACES_MAX:
            del known[next(iter(known))]
        memory.forgotten_ms = max(memory.forgotten_ms, forgotten_ms)
        self._of[who] = memory
        self._size += len(known)
        self._forget(at_ms)

    def rows(self) -> list[LetGoRow]:
        """Return all of it, the oldest first, for `restore`."""
        return [
            (who, place, one.times, one.closed_until_ms, one.forgotten_ms, one.by)
            for who, memory in self._of.items()
            for place, one in memory.places.items()
        ]

    def restore(self, rows: Iterable[LetGoRow]) -> None:
        """Remember what `rows` returned."""
        for who, place, times, closed_until_ms, forgotten_ms, by in rows:
            memory = self._of.setdefault(who, Memory())
            memory.places[place] = LetGo(times, closed_until_ms, forgotten_ms, by)
            memory.closed_until_ms = max(memory.closed_until_ms, closed_until_ms)
            memory.forgotten_ms = max(memory.forgotten_ms, forgotten_ms)
            self._size += 1

    def _forget(self, at_ms: int) -> None:
        """Forget what counts no more, and the oldest where there is too much."""
        while self._size > limits.LET_GO_MAX or self._oldest_ms() <= at_ms:
            gone = self._of.pop(next(iter(self._of)))
            self._size -= len(gone.places)

    def _oldest_ms(self) -> int:
        return next(iter(self._of.values())).forgotten_ms


class Hoarding:
    """What the networks and users of one event hold and let go."""

    __slots__ = ("_lately", "by_network", "by_user", "networks")

    def __init__(self) -> None:
        self.networks: dict[str, Network] = {}
        self.by_user = LetGoTable()
        self.by_network = LetGoTable()
        self._lately: deque[LatelyRow] = deque()

    def hold(self, origin: str, places: int, at_ms: int) -> None:
        """Count places that went into a hold."""
        if self._lately:
            self._forget_lately(at_ms)
        network = self.networks.get(origin)
        if network is None:
            network = self.networks[origin] = Network()
        network.held += places

    def book(self, origin: str, places: int) -> None:
        """Count places of a hold no more: they are booked."""
        network = self._less(origin, places)
        if not network.held and not network.lately:
            del self.networks[origin]

    def let_go(
        self,
        hold: HoldRecord,
        seats: Seats,
        places: int,
        at_ms: int,
        hold_ttl_s: int,
        whole: Iterable[int] = (),
    ) -> None:
        """Note that a hold lost seats, and as many places with them, unbooked.

        `whole` are the areas of a hold that is over: who only corrects how many places
        it shall be lets none go.
        """
        origin = hold.origin
        if origin is None:
            return
        self._forget_lately(at_ms)
        network = self._less(origin, places)
        network.gone += places
        network.lately.append((at_ms, places))
        self._lately.append((at_ms, origin, places))
        named = [*seats, *(-1 - area for area in whole)]
        if named:
            user = hold.user
            self.by_user.note(user, named, user, at_ms, hold_ttl_s)
            self.by_network.note(origin, named, user, at_ms, hold_ttl_s)

    def counted(self, network: Network, now_ms: int) -> int:
        """Return how many places count as held from a network."""
        counted = network.held + network.gone
        for at_ms, places in network.lately:
            if at_ms > now_ms - limits.LET_GO_COUNTS_MS:
                break
            counted -= places
        return counted

    def lately(self) -> list[LatelyRow]:
        """Return what was let go lately, the oldest first."""
        return list(self._lately)

    def restore_lately(self, rows: Iterable[LatelyRow]) -> None:
        """Remember what `lately` returned."""
        for at_ms, origin, places in rows:
            network = self.networks.setdefault(origin, Network())
            network.gone += places
            network.lately.append((at_ms, places))
            self._lately.append((at_ms, origin, places))

    def _less(self, origin: str, places: int) -> Network:
        network = self.networks.get(origin)
        if network is None or network.held < places:
            raise Corrupt(f"a network does not hold the {places} places that it loses")
        network.held -= places
        return network

    def _forget_lately(self, at_ms: int) -> None:
        lately = self._lately
        while lately and lately[0][0] <= at_ms - limits.LET_GO_COUNTS_MS:
            _, origin, places = lately.popleft()
            network = self.networks[origin]
            network.gone -= places
            del network.lately[0]
            if not network.held and not network.lately:
                del self.networks[origin]


def closed_for_ms(times: int) -> int:
    """Return for how long a place is closed that was let go so many times."""
    if times < limits.LET_GO_TIMES:
        return 0
    doubled = min(times - limits.LET_GO_TIMES, limits.LET_GO_CLOSED_DOUBLINGS)
    return limits.LET_GO_CLOSED_MS << doubled
