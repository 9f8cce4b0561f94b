"""Gates that scan with a network and without one, and upload what they saw, anyhow.

Who passes, and what it comes to, is for the shipped rules; what a gate must never do
is told here once more, from what is committed at that moment.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from persistence.shop.checkin.facts import Green, ListSeen, TicketSeen
from server.shop.checkin.rules import fold, judge
from tests.simulation.orders.tables import Transaction
from tests.simulation.tickets.tables import Code, SimTicket, reissue

if TYPE_CHECKING:
    from tests.simulation.world import World

GATES: Final = 2
PAUSE_S: Final = 0.6
RULES: Final = ListSeen(reentry=False, open=True, categories=None)
BEGAN: Final = datetime(2027, 1, 1, tzinfo=UTC)


class Seen(Struct, frozen=True):
    """Somebody whom a gate let through by itself."""

    nonce: str
    code: Code
    at: datetime


class Gate:
    """One device: what it knows without a network, and what it has to upload."""

    def __init__(self, number: int) -> None:
        self.name = f"gate {number}"
        self.online = True
        self.good: set[Code] = set()
        """Codes that were good when it was last told, but those it let through."""
        self.waiting: list[Seen] = []


class Gates:
    """All gates of a world."""

    def __init__(self, world: "World", random: Random) -> None:
        self.world = world
        self.random = random
        self.gates = [Gate(number) for number in range(GATES)]
        self.seen: dict[str, set[str]] = {}
        """Nonces of those who were let through with a ticket, and not undone."""
        self.open = random.random() < 0.5
        self.counts = Counter[str]()
        self._nonces = 0
        for gate in self.gates:
            world.scheduler.call_later(PAUSE_S * random.random(), self._act, gate)

    def outcomes(self) -> Counter[str]:
        """Count what scans were answered, and what those let through came to."""
        counts = self.counts.copy()
        for greens in self.world.tickets.greens.values():
            counts.update(x.outcome for x in fold(greens).outcomes.values())
        counts.update(one.state for one in self.world.tickets.tickets.values())
        return counts

    def close(self) -> None:
        """Let nobody in any more, and upload what is left."""
        self.open = False
        for gate in self.gates:
            self._upload(gate, len(gate.waiting))

    def _act(self, gate: Gate) -> None:
        if not self.open:
            return
        random = self.random
        self.world.scheduler.call_later(2 * PAUSE_S * random.random(), self._act, gate)
        tickets = list(self.world.tickets.tickets.values())
        if random.random() < 0.2:
            self._switch(gate)
        if not tickets:
            return
        ticket = random.choice(tickets)
        chance = random.random()
        if chance < 0.1:
            self._reissue(ticket)
        elif chance < 0.2:
            self._undo(ticket)
        elif chance < 0.35 and gate.online:
            self._upload(gate, random.randrange(1 + len(gate.waiting)))
        else:
            generation = max(1, ticket.generation - (random.random() < 0.2))
            scan = self._scan if gate.online else self._scan_alone
            scan(gate, ticket, generation)

    def _switch(self, gate: Gate) -> None:
        """Lose the network, or find it again; take along what is good by then."""
        gate.online = not gate.online
        tables = self.world.tickets
        gate.good = {
            (one.number, one.generation)
            for one in tables.tickets.values()
            if one.is_good and not tables.is_in(one.ticket)
        }

    def _let_through(self, ticket: SimTicket) -> str:
        self._nonces += 1
        nonce = f"n{self._nonces:05}"
        self.seen.setdefault(ticket.ticket, set()).add(nonce)
        return nonce

    def _now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.world.scheduler.now)

    def _scan(self, gate: Gate, ticket: SimTicket, generation: int) -> None:
        """Ask the server about a code."""
        tables = self.world.tickets
        greens = tables.greens.setdefault(ticket.ticket, [])
        state = TicketSeen(
            ticket.ticket, ticket.state, ticket.generation, ticket.label, None
        )
        standing = fold(greens).standing
        result = judge(state, generation, RULES, standing, "in")
        code = ticket.number, generation
        fresh = not any(not one.revoked for one in greens)
        good = ticket.is_good and code not in tables.revoked
        if (result == "ok") != (fresh and good):
            self.world.violate(f"{code} of {ticket} is answered {result}")
        self.counts[f"scan {result}"] += 1
        if result != "ok":
            return
        self._check_kept(ticket)
        now = self._now()
        last = max((one.sort_at for one in greens), default=now)
        sort_at = max(now, last + timedelta(microseconds=1))
        nonce = self._let_through(ticket)
        greens.append(Green(nonce, "in", sort_at, now, gate.name, "staff"))

    def _check_kept(self, ticket: SimTicket) -> None:
        """Nobody enters with what is being given back: S8."""
        row = self.world.tables.rows.get(ticket.order or "")
        for line in () if row is None else row.stored.state.lines:
            if line.line == ticket.line and line.state != "live":
                self.world.violate(f"{ticket} lets in, and is {line.state}")

    def _scan_alone(self, gate: Gate, ticket: SimTicket, generation: int) -> None:
        """Decide about a code by what the gate knows."""
        code = ticket.number, generation
        if code in gate.good:
            gate.good.discard(code)
            off = timedelta(seconds=self.random.random() - 0.5)
            nonce = self._let_through(ticket)
            gate.waiting.append(Seen(nonce, code, self._now() + off))

    def _upload(self, gate: Gate, count: int) -> None:
        """Tell some of what was seen, in any order, and some of it twice."""
        self.random.shuffle(gate.waiting)
        told, gate.waiting = gate.waiting[:count], gate.waiting[count:]
        for one in told + told[: count // 2]:
            self._keep(gate, one)

    def _keep(self, gate: Gate, seen: Seen) -> None:
        tables, (number, generation) = self.world.tickets, seen.code
        ticket = next(x for x in tables.tickets.values() if x.number == number)
        greens = tables.greens.setdefault(ticket.ticket, [])
        if any(one.nonce == seen.nonce for one in greens):
            return
        revoked = ticket.state == "revoked" or generation != ticket.generation
        greens.append(
            Green(seen.nonce, "in", seen.at, seen.at, gate.name, "staff", revoked)
        )

    def _undo(self, ticket: SimTicket) -> None:
        """Undo one who was let through, as if that had not been: T3."""
        greens = self.world.tickets.greens.get(ticket.ticket, [])
        if not greens:
            return
        undone = self.random.choice(greens)
        greens.remove(undone)
        self.seen[ticket.ticket].discard(undone.nonce)
        self.counts["scan undone"] += 1

    def _reissue(self, ticket: SimTicket) -> None:
        if ticket.state == "valid":
            transaction = Transaction(self.world.tables)
            reissue(transaction, ticket)
            transaction.changed.commit(self.world.tickets)
