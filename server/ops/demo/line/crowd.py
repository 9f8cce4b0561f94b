"""The people's process: `python -m server.ops.demo.line.crowd`, started by the demo.

It knows the server's address, an event and when its list closes, and nothing else. It
tells on its standard output how the line stands, a JSON line at a time, and at the end
what its people wrote down.
"""

import argparse
import asyncio
import sys
from random import Random
from time import monotonic, time
from typing import Final as Constant

import aiohttp
import msgspec

from server.ops.demo.crowds import Output, run_process, tell, visit
from server.ops.demo.line.ledger import LineLedger
from server.ops.demo.line.person import KINDS, Hall, Person
from server.ops.demo.line.reports import Final, Report
from server.ops.demo.line.story import Story
from server.transport.client.board import Board
from server.transport.client.websocket import Client, GaveUpError, Traffic

REPORT_EVERY_S: Constant = 0.25
QUIET_S: Constant = 8.0
QUIET_MIN_S: Constant = 2.0
"""Where nothing is held and nothing moved for so long, what is left fits nobody."""

STUCK_S: Constant = 240.0
"""With no change on the board for this long, people go home."""

GATHERED: Constant = 0.8
"""So much of the time until the list closes people come in."""

LATE_S: Constant = 15.0
GIVEN_BACK: Constant = 12
"""So many give back what they have when all is sold."""

QUESTIONS_AT_ONCE: Constant = 50


class Options(msgspec.Struct, frozen=True):
    """What the demo tells the process on its command line."""

    url: str
    event: str
    people: int
    closes_at: float
    opens_at: float
    """When the list closes and the sale opens, in seconds of Unix time."""
    pace: float
    seed: int


class Crowd:
    """All people, and the board on the wall that all can see."""

    def __init__(self, options: Options, http: aiohttp.ClientSession) -> None:
        self.options = options
        self.http = http
        self.traffic = Traffic()
        self.ledger = LineLedger()
        self.story = Story(lambda text: tell(Output(said=text)))
        self.started = monotonic()
        self.people: list[Person] = []

    async def run(self) -> Final:
        """Let everybody come and wait until nothing is left, then compare notes."""
        options, random = self.options, Random(self.options.seed)
        async with self.http.get(f"/v1/events/{options.event}/map") as answer:
            answer.raise_for_status()
            plan = await answer.json()
        self.wall = Board(
            len(plan["seats"]), {one["label"]: one["capacity"] for one in plan["areas"]}
        )
        on_the_wall = Client(
            self.http, options.event, self.traffic, Random(random.random()), self.wall
        )
        hall = Hall(
            options.event,
            [seat["label"] for seat in plan["seats"]],
            sorted({seat["category"] for seat in plan["seats"]}),
            self.wall,
            self.ledger,
            self.story,
            pace=options.pace,
        )
        self.people = [
            self._invite(number, hall, random) for number in range(options.people)
        ]
        try:
            await on_the_wall.connect()
            async with asyncio.TaskGroup() as reporting:
                telling = reporting.create_task(self._report())
                await self._sell(on_the_wall)
                telling.cancel()
            report = self._take_stock()
            await self._compare_notes()
            return self._conclude(report)
        finally:
            lines = [on_the_wall, *(person.line for person in self.people)]
            await asyncio.gather(*(line.close() for line in lines))

    def _invite(self, number: int, hall: Hall, random: Random) -> Person:
        kind = KINDS[number % len(KINDS)]
        person = Person(number, kind, hall, Random(random.random()))
        person.line = Client(
            self.http,
            hall.event,
            self.traffic,
            Random(random.random()),
            pushed=person.hear,
        )
        return person

    async def _sell(self, on_the_wall: Client) -> None:
        random, options = Random(self.options.seed + 1), self.options
        now = time()
        gather_s = GATHERED * max(0.0, options.closes_at - now)
        async with asyncio.TaskGroup() as waiting:
            tasks = []
            for person in self.people:
                comes_in_s = random.uniform(0, gather_s)
                if person.kind == "late":
                    late_s = LATE_S * options.pace
                    comes_in_s = options.opens_at - now + random.uniform(0, late_s)
                tasks.append(waiting.create_task(person.run(comes_in_s)))
            await self._until_sold(on_the_wall, tasks)
            if not all(task.done() for task in tasks):
                await self._give_back()
                await self._until_sold(on_the_wall, tasks)
            for task in tasks:
                # Whoever still waits goes home.
                task.cancel()

    async def _until_sold(
        self, on_the_wall: Client, tasks: "list[asyncio.Task[None]]"
    ) -> None:
        """Return when all is sold, nobody waits, or nothing moved for much too long."""
        stood, since = self._counts(), monotonic()
        quiet_s = max(QUIET_MIN_S, QUIET_S * self.options.pace)
        while not self.wall.sold_out and not all(task.done() for task in tasks):
            if self._counts() != stood:
                stood, since = self._counts(), monotonic()
            elif self._is_quiet and monotonic() - since > quiet_s:
                return
            elif monotonic() - since > STUCK_S:
                self.ledger.complain(f"Nothing moved for {STUCK_S:.0f} s.")
                return
            try:
                await on_the_wall.ask({"op": "ping"})
            except GaveUpError as error:
                self.ledger.complain(f"The server does not answer: {error}")
                return
            await asyncio.sleep(0.1)

    @property
    def _is_quiet(self) -> bool:
        """Whether something was sold, and nobody holds what may come back."""
        return self.wall.count("booked") > 0 and not self.wall.count("held")

    def _counts(self) -> tuple[int, int]:
        return self.wall.count("held"), self.wall.count("booked")

    async def _give_back(self) -> None:
        """Let some give back what they have, one after the other."""
        few = min(GIVEN_BACK, max(1, self._waiting() // 4))
        some = [one for one in self.people if one.booking is not None][:few]
        sold = "All is sold"
        if not self.wall.sold_out:
            left = self.wall.capacity - self.wall.count("booked")
            sold = f"All is sold but {left} that nobody who waits wishes for"
        said = (
            f"{sold}; {self._waiting():,} still wait. Now {len(some)} give back what"
            " they have."
        )
        tell(Output(said=said))
        for person in some:
            try:
                await person.give_back()
            except GaveUpError as error:
                self.ledger.complain(f"Nothing could be given back: {error}")
            await asyncio.sleep(0.3 * self.options.pace)

    async def _compare_notes(self) -> None:
        """Ask for the bookings of everybody who had one."""
        few = asyncio.Semaphore(QUESTIONS_AT_ONCE)

        async def ask(person: Person) -> None:
            async with few:
                try:
                    reply = await person.line.ask({"op": "holding"})
                except GaveUpError as error:
                    self.ledger.complain(f"Person {person.number} cannot ask: {error}")
                    return
                self.ledger.compare(person.number, reply["bookings"])

        async with asyncio.TaskGroup() as asking:
            for person in self.people:
                if person.booking is not None:
                    asking.create_task(ask(person))

    def _waiting(self) -> int:
        return sum(person.is_waiting for person in self.people)

    async def _report(self) -> None:
        while True:
            tell(Output(report=self._take_stock()))
            await asyncio.sleep(REPORT_EVERY_S)

    def _take_stock(self) -> Report:
        line, wall, ledger = self.story.now or {}, self.wall, self.ledger
        return Report(
            elapsed_s=monotonic() - self.started,
            phase=line.get("phase", "gathering"),
            joined=ledger.joined,
            waiting=self._waiting(),
            turns=ledger.turns,
            next=line.get("next", 0),
            per_min=line.get("per_min"),
            free=wall.count("free"),
            held=wall.count("held"),
            booked=wall.count("booked"),
            returned=ledger.given_on,
        )

    def _conclude(self, report: Report) -> Final:
        wall, ledger, story = self.wall, self.ledger, self.story
        if wall.gaps:
            ledger.complain(f"{wall.gaps} deltas did not follow the one before.")
        if wall.count("booked") != ledger.places:
            ledger.complain(
                f"The board shows {wall.count('booked')} booked places, the people have"
                f" {ledger.places}."
            )
        return Final(
            report=report,
            sold_out=wall.sold_out,
            capacity=wall.capacity,
            seats=len(ledger.seats),
            places_in_areas=sum(ledger.areas.values()),
            bookings=len(ledger.purchases),
            entrants=ledger.entrants,
            wishes=ledger.wishes,
            slept=ledger.slept,
            returned=ledger.given_on,
            timed=len(ledger.returned_ms),
            returned_p50_ms=ledger.quantile_ms(0.5),
            returned_p99_ms=ledger.quantile_ms(0.99),
            reloaded=ledger.reloaded,
            fixed=story.list,
            arrived_ms=story.arrived_ms,
            place=story.place or self._first_place(),
            version=wall.version,
            problems=ledger.problems,
        )

    def _first_place(self) -> str | None:
        ranked = [one for one in self.people if one.rank is not None]
        return min(ranked, key=lambda one: one.rank or 0).place if ranked else None


def read_options(arguments: list[str]) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m server.ops.demo.line.crowd")
    parser.add_argument("--url", required=True)
    parser.add_argument("--event", required=True)
    parser.add_argument("--people", type=int, required=True)
    for name in ("closes-at", "opens-at", "pace"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    return Options(**vars(parser.parse_args(arguments)))


def main() -> None:
    """Wait in line, buy what there is, and tell how it went."""
    options = read_options(sys.argv[1:])
    run_process(visit(options.url, lambda http: Crowd(options, http).run()))


if __name__ == "__main__":
    main()
