"""Clients of an on-sale in a process of their own: `python -m bench.crowd`.

The first line says who they are, the second when to begin; the answer to that is what
they saw, when all have gone home. A latency counts from when the client meant to act.
"""

import asyncio
import resource
import time
from collections import Counter
from typing import Any

import msgspec
import uvloop
from msgspec import Struct

from bench import arena
from bench.line import Line, LostError
from bench.partner import answer_questions
from bench.plan import Connected, Go
from bench.population import TRIES, Client, Visit, draw_client

WHAT = ("enter", "hold", "book")
TAKEN = frozenset({"seat_not_free", "not_enough_seats"})
GONE = frozenset({"hold_expired", "hold_not_found"})
HOME_S = 120.0
"""Longest that anyone stays after everyone has arrived."""

_now = time.perf_counter


class CrowdPlan(Struct, kw_only=True, frozen=True):
    """Who comes where."""

    url: str
    tokens: list[str]
    first: int
    """Number of the first of these clients."""

    event: str
    seats: int
    arrival_s: float
    seed: int


class Booking(Struct, frozen=True):
    """What a client was told that it has bought, and when."""

    at: float
    booking: str
    seats: list[str]


class CrowdTaken(Struct, kw_only=True):
    """What the clients of one process saw."""

    bookings: list[Booking]
    latencies_ms: dict[str, list[float]]
    """By what was done: enter, hold, book."""

    counts: dict[str, int]
    """How often things happened that may."""

    faults: dict[str, int]
    """And what may not."""


class Ledger:
    """What all clients of this process write down."""

    def __init__(self, plan: CrowdPlan) -> None:
        self.plan = plan
        self.bookings: list[Booking] = []
        self.latencies_ms: dict[str, list[float]] = {
            "enter": [],
            "hold": [],
            "book": [],
        }
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def took(self, what: str, since: float) -> None:
        """Note a latency."""
        self.latencies_ms[what].append((_now() - since) * 1e3)


class Buyer:
    """One client, from its arrival until it goes home."""

    def __init__(self, number: int, token: str, client: Client, ledger: Ledger) -> None:
        self._number = number
        self._client = client
        self._ledger = ledger
        self._offered: list[str] | None = None
        self._line = Line(ledger.plan.url, token, ledger.plan.event)
        self._keys = 0
        self._until = 0.0
        """When the hold may end; whoever loses it before was promised more."""

    async def run(self, begin: float) -> None:
        """Come, buy, go; whatever is not allowed to happen is noted."""
        due = begin + self._client.arrival_s
        await asyncio.sleep(due - _now())
        try:
            await self._line.enter()
            self._ledger.took("enter", due)
            for visit in self._client.visits:
                if not await self._buy(visit):
                    break
        except LostError as error:
            self._ledger.faults[str(error)] += 1
        finally:
            self._line.leave()
            self._ledger.faults.update(self._line.faults)

    async def _buy(self, visit: Visit) -> bool:
        """Go through one visit; False where nothing is left for us."""
        hold = await self._find(visit)
        if hold is None:
            return False
        half_s = visit.hesitation_s / 2
        await asyncio.sleep(half_s)
        if visit.drops_s is not None:
            self._ledger.counts["connections dropped"] += 1
            self._line.drop()
            await asyncio.sleep(visit.drops_s)
            await self._line.enter()
        await asyncio.sleep(half_s)
        if visit.walks_away:
            self._ledger.counts["walked away"] += 1
        elif visit.releases:
            gone = self._gone()
            reply = await self._line.ask({"op": "release", "hold": hold})
            self._expect(reply, "released", gone)
        else:
            await self._book(hold, visit)
        return True

    async def _find(self, visit: Visit) -> str | None:
        """Look for seats until some are held; None after too many tries."""
        quantity, place = visit.quantity, visit.place
        for number in range(TRIES):
            await asyncio.sleep(visit.think_s)
            due = _now()
            reply = await self._line.ask(self._wish(quantity, place))
            self._ledger.took("hold", due)
            if self._expect(reply, "held", TAKEN):
                self._until = _now() + reply["expires_in_ms"] / 1e3
                return str(reply["hold"])
            offered = reply.get("alternatives")
            self._offered = offered[0] if offered else None
            if self._offered is None:
                place = None
                quantity = max(1, quantity - 1) if number else quantity
        self._ledger.counts["gave up"] += 1
        return None

    def _wish(self, quantity: int, place: float | None) -> dict[str, Any]:
        key = self._key()
        if self._offered is not None:
            seats, self._offered = self._offered, None
            return {"op": "hold", "seats": seats, "key": key}
        if place is None:
            return {"op": "hold_best", "quantity": quantity, "key": key}
        width = arena.SEATS_PER_ROW
        rows = self._ledger.plan.seats // width
        row, column = divmod(
            int(place * rows * arena.SEATS_PER_ROW), arena.SEATS_PER_ROW
        )
        column = min(column, width - quantity)
        first = min(row, rows - 1) * width + column
        seats = [arena.label_of(index) for index in range(first, first + quantity)]
        return {"op": "hold", "seats": seats, "key": key}

    async def _book(self, hold: str, visit: Visit) -> None:
        frame = {"op": "book", "hold": hold, "key": self._key()}
        due, gone = _now(), self._gone()
        reply = await self._line.ask(frame)
        self._ledger.took("book", due)
        if not self._expect(reply, "booked", gone):
            return
        booking = Booking(_now(), str(reply["booking"]), list(reply["seats"]))
        self._ledger.bookings.append(booking)
        if visit.books_twice:
            again = await self._line.ask(frame)
            if again.get("booking") != booking.booking:
                self._ledger.faults["another answer to the same key"] += 1
            self._ledger.counts["booked twice with one key"] += 1

    def _expect(
        self, reply: dict[str, Any], done: str, allowed: frozenset[str]
    ) -> bool:
        """Count what came of a command; what is not allowed is a fault."""
        if reply["op"] == "ok":
            self._ledger.counts[done] += 1
            return True
        code = str(reply.get("code"))
        if reply["op"] == "refused" and code in allowed:
            self._ledger.counts[f"refused, {code}"] += 1
        else:
            self._ledger.faults[f"{reply['op']} {code}"] += 1
        return False

    def _gone(self) -> frozenset[str]:
        """The refusals that a hold may meet now."""
        return GONE if _now() >= self._until else frozenset()

    def _key(self) -> str:
        self._keys += 1
        return f"{self._number}-{self._keys}"


class Crowd:
    """The child: makes the clients and answers for them."""

    def __init__(self) -> None:
        self._buyers: list[Buyer] = []
        self._ledger: Ledger | None = None

    async def answer(self, line: bytes) -> object:
        """Answer the plan with Connected, Go with CrowdTaken."""
        if self._ledger is not None:
            go = msgspec.json.decode(line, type=Go)
            return await self._run(self._ledger, go.at)
        plan = msgspec.json.decode(line, type=CrowdPlan)
        self._ledger = Ledger(plan)
        for place, token in enumerate(plan.tokens):
            number = plan.first + place
            client = draw_client(plan.seed, number, plan.arrival_s)
            self._buyers.append(Buyer(number, token, client, self._ledger))
        return Connected(connections=0)  # they come when they come

    async def _run(self, ledger: Ledger, begin: float) -> CrowdTaken:
        tasks = [asyncio.create_task(buyer.run(begin)) for buyer in self._buyers]
        within_s = begin - _now() + ledger.plan.arrival_s + HOME_S
        _, late = await asyncio.wait(tasks, timeout=within_s)
        for task in late:
            task.cancel()
        if late:
            ledger.faults["never came to an end"] += len(late)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                ledger.faults[f"failed: {outcome!r}"] += 1
        return CrowdTaken(
            bookings=ledger.bookings,
            latencies_ms=ledger.latencies_ms,
            counts=dict(ledger.counts),
            faults=dict(ledger.faults),
        )


def main() -> None:
    """Answer until nobody asks any more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(answer_questions(Crowd().answer))


if __name__ == "__main__":
    main()
