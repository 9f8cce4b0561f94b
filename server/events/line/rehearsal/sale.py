"""A rehearsed sale: the event's own rules, line, guard and pace, on a virtual clock.

Everything that decides is what ships: `Drain`, `decide`, `Rate`, `Averages`, forecasts.
Only the people are simulated, and the time, which goes in steps of a quarter of a
second where something happens, and jumps where nothing does. The same seed gives the
same sale.
"""

from collections import deque
from functools import partial
from hashlib import sha256
from heapq import heappop, heappush
from typing import Any, Final

from inventory.batch import BatchBuilder
from inventory.changes import SeatsBlocked
from inventory.commands import (
    AnyCommand,
    DrawLine,
    ExpireHold,
    FeedLine,
    FixEntrants,
    GiveTurn,
    NotePresence,
    OpenLine,
    TuneLine,
)
from inventory.drain import Drain
from inventory.keys import KeyMemory
from inventory.limits import EXPIRIES_PER_BATCH_MAX, LINE_FEED_MAX
from inventory.line import draw
from inventory.line.line import AWAY, DONE, WAITING, Line
from inventory.line.serving import free_places
from inventory.ports import Envelope, Ownership, Publication
from inventory.replies import Refused, Reply
from inventory.rules import sale
from inventory.rules.line_after import line_due, line_due_ms
from inventory.rules.line_turns import no_turns
from inventory.state import Stock
from server.events.line.odds.forecast import Forecast
from server.events.line.odds.making import ForecastMaking
from server.events.line.odds.watching import KNOWN_TURNS, Expected, Seen, habits_of
from server.events.line.odds.words import USUAL
from server.events.line.pace.averages import KEPT, STRENGTH, Averages, Takes
from server.events.line.pace.rate import BATCH_MAX, Rate, rates
from server.events.line.pace.taking import TurnWatch
from server.events.line.rehearsal.buyers import Buyer
from server.events.line.rehearsal.people import Person
from server.events.line.rehearsal.stage import (
    Moment,
    NoName,
    Notes,
    Said,
    Stage,
    Still,
)

TICK_MS: Final = 250
FEEDS_PER_TICK: Final = 8
WAITS_S: Final = 3_600
"""So long after the last one came the sale is watched at most."""

SYSTEM: Final = "system"
SAMPLED: Final = 5
"""One place in so many is asked for its odds."""


class RehearsedSale:
    """One sale in the making. `run` goes through it; `notes` are what came of it."""

    def __init__(
        self,
        stage: Stage,
        people: list[Person],
        *,
        seed: int,
        seconds: int,
        expected: Expected | None = None,
    ) -> None:
        self.stage = stage
        self.people = people
        self.notes = Notes(opened_ms=stage.opens_ms)
        self.stock = Stock(stage.venue, stage.settings)
        self.now_ms = stage.begins_ms
        self.ends_ms = stage.opens_ms + 1_000 * (seconds + WAITS_S)
        self._seed = seed
        self._expected = expected
        self._ids = NoName()
        self._drain = Drain(stage.event, Still(), self._ids)
        self._keys = KeyMemory(complete=True)
        self._box: list[Envelope] = []
        self._due: list[tuple[int, int, Any]] = []
        self._order = 0
        self._buyers = {one.name: Buyer(one, self.stock, stage.event) for one in people}
        self._rank_of: dict[str, int] = {}
        self._coming = sorted(people, key=lambda one: one.came_s)
        self._fed = 0
        self._gone: list[int] = []
        self._quiet = False
        self._watch = TurnWatch()
        self._averages: Averages | None = None
        self._rate: Rate | None = None
        self._ownership = Ownership(stage.event, "", 0, "", 0, b"")

    @property
    def line(self) -> Line:
        """Return the line, which is open."""
        assert self.stock.line is not None
        return self.stock.line

    # -- The whole of it

    def run(self) -> Notes:
        """Go through the sale, until nobody waits or nothing comes any more."""
        self._open()
        while self.now_ms < self.ends_ms and self._goes_on():
            self._tick()
            self._jump()
        self._close()
        return self.notes

    def learnt(self) -> Expected:
        """Return what the sale told of its people, without a correction."""
        held = [one for one in self._buyers.values() if one.held]
        booked = sum(one.held for one in held if one.person.name in self.notes.booked)
        chose = [
            self._buyers[one.user].held
            for one in self.notes.turns.values()
            if not one.wished and one.because == "line"
        ]
        line = self.line
        mean, square = line.mean_milli, line.variance_milli
        if len(chose) >= STRENGTH:
            mean = round(1_000 * sum(chose) / len(chose))
            squares = sum(one * one for one in chose) / len(chose)
            square = round(1_000 * (squares - (mean / 1_000) ** 2))
        kept = booked / sum(one.held for one in held) if held else KEPT
        return Expected(kept, max(1, mean), square, USUAL.shift, USUAL.slope)

    def _goes_on(self) -> bool:
        line = self.line
        if self._fed < len(self.people) or line.turns.open or self.stock.holds:
            return True
        if self._quiet and not self._due:
            return False
        return free_places(self.stock) > 0 and _is_waited_in(line)

    def _open(self) -> None:
        """Open the line, draw it where it is drawn, and open the sale."""
        stage = self.stage
        stage_blocked = SeatsBlocked(stage.taken_seats, stage.taken_areas)
        if stage.taken_seats or stage.taken_areas:
            self.stock.apply(stage_blocked, self.now_ms)
        rules = draw.rules_of(stage.rules.encode())
        rules_hash = draw.rules_hash_of(rules)
        seed = sha256(f"rehearsal {self._seed}".encode()).digest()
        drawn = rules.mode == "draw"
        self._system(
            OpenLine,
            draw=1,
            rules=stage.rules,
            commitment=draw.commitment_of(seed, rules_hash),
            seed=None if drawn else seed,
        )
        self._run_batches()
        if drawn:
            self._draw(seed, rules_hash)
        self.now_ms = stage.opens_ms
        self._run_batches()
        self._feed()
        if self._expected is not None:
            self._sample("opening")

    def _draw(self, seed: bytes, rules_hash: bytes) -> None:
        self.now_ms = self.line.rules.closes_at_ms or self.now_ms
        early = [one for one in self._coming if one.came_s < 0]
        stubs = {self._stub_of(one): one for one in early}
        root = draw.entrants_root(stubs)
        self._system(
            FixEntrants,
            draw=1,
            entries=len(early),
            root=root,
            closed_at_ms=self.now_ms,
        )
        key = draw.key_of(seed, root, draw.NO_RANDOMNESS, rules_hash)
        ordered = draw.order_of(key, stubs)
        self._system(DrawLine, draw=1, seed=seed, line_hash=draw.line_hash_of(ordered))
        self._run_batches()
        self._coming[: len(early)] = [stubs[stub] for stub in ordered]

    def _close(self) -> None:
        self.notes.ended_ms = self.now_ms
        self.notes.free = free_places(self.stock)
        self.notes.left_waiting = sum(
            self.line.states.count(state) for state in (WAITING, AWAY)
        )

    # -- One step

    def _tick(self) -> None:
        changes = self.notes.changes
        self._feed()
        due, now_ms = self._due, self.now_ms
        while due and due[0][0] <= now_ms:
            heappop(due)[2]()
        if self._gone:
            states = self.line.states
            away = sorted(r for r in set(self._gone) if states[r - 1] == WAITING)
            self._gone.clear()
            if away:
                self._system(NotePresence, away=away[:LINE_FEED_MAX])
        asked = self._conduct()
        self._run_batches()
        # Who does not fit now fits when something changed, and not sooner.
        self._quiet = asked > 0 and self.notes.changes == changes

    def _jump(self) -> None:
        """Go to the next step in which anything is due."""
        nexts = [self.now_ms + TICK_MS * 40]
        if self._due:
            nexts.append(self._due[0][0])
        if self._fed < len(self._coming):
            came_s = self._coming[self._fed].came_s
            nexts.append(self.stage.opens_ms + int(1_000 * came_s))
        ends = self.stock.next_deadline_ms(), line_due_ms(self.stock, self.line)
        nexts.extend(at_ms for at_ms in ends if at_ms is not None)
        waited = _is_waited_in(self.line) and free_places(self.stock) > 0
        if waited and not self._quiet:
            nexts.append(self.now_ms + TICK_MS)
        steps = -(-(min(nexts) - self.now_ms) // TICK_MS)
        self.now_ms += TICK_MS * max(1, steps)

    def _feed(self) -> None:
        """Feed who came by now, the entrants of a draw first, in whole changes."""
        line = self.line
        if line.drawn is None or line.fixed is None:
            return
        entrants = line.fixed.entries
        for _ in range(FEEDS_PER_TICK if line.fed >= entrants else 1 << 20):
            if line.fed < entrants:
                count = min(LINE_FEED_MAX, entrants - line.fed)
                self._feed_some(self._coming[self._fed : self._fed + count], None)
                continue
            some = self._came()
            if not some:
                return
            stubs = {self._stub_of(one): one for one in some}
            ordered = draw.late_order_of(line.drawn.key, stubs)
            self._feed_some([stubs[stub] for stub in ordered], line.step + 1)

    def _came(self) -> list[Person]:
        """Return who came by now and is not in line, as many as one change takes."""
        since_s = (self.now_ms - self.stage.opens_ms) / 1_000
        end = self._fed
        while (
            end < len(self._coming)
            and end - self._fed < LINE_FEED_MAX
            and self._coming[end].came_s <= since_s
        ):
            end += 1
        return self._coming[self._fed : end]

    def _feed_some(self, some: list[Person], step: int | None) -> None:
        wishes = list(dict.fromkeys(one.wish for one in some if one.wish is not None))
        number_of = {wish: number for number, wish in enumerate(wishes, 1)}
        first = self.line.fed + 1
        self._system(
            FeedLine,
            draw=1,
            first_rank=first,
            users=[one.name for one in some],
            stubs=b"".join(self._stub_of(one) for one in some),
            classes=b"".join(
                (0 if one.wish is None else number_of[one.wish]).to_bytes(2, "big")
                for one in some
            ),
            wishes=wishes,
            step=step,
        )
        self._fed += len(some)
        self._run_batches()
        if self.line.fed != first + len(some) - 1:
            raise RuntimeError("a rehearsed line was not fed")
        for rank, one in enumerate(some, first):
            self._rank_of[one.name] = rank
            self._buyers[one.name].rank = rank
            if one.gone_s is not None:
                after_ms = int(1_000 * (max(0.0, one.came_s) + one.gone_s))
                self._later(self.stage.opens_ms + after_ms, self._gone.append, rank)

    def _stub_of(self, person: Person) -> bytes:
        named = f"rehearsal {self._seed} {person.number}".encode()
        return sha256(named).digest()[: draw.STUB_BYTES]

    # -- Turns

    def _conduct(self) -> int:
        """Ask for the turns that are due, as the conductor does; return how many."""
        line, stock, now = self.line, self.stock, self.now_ms / 1_000
        if self._averages is None:
            begin = Takes(line.mean_milli, line.variance_milli, line.returning_ppm)
            kept = KEPT if self._expected is None else self._expected.kept
            self._averages = Averages(begin, kept)
            places = free_places(stock)
            found = rates(
                places, self._averages.mean, line.sell_out_s, line.turns_per_min
            )
            self._rate = None if found is None else Rate(*found, now)
        averages, rate = self._averages, self._rate
        self._watch.look(line, stock, averages, now)
        takes = averages.takes()
        if averages.samples and takes.moved_from(
            Takes(line.mean_milli, line.variance_milli, line.returning_ppm)
        ):
            self._system(
                TuneLine,
                mean_milli=takes.mean_milli,
                variance_milli=takes.variance_milli,
                returning_ppm=takes.returning_ppm,
            )
        if rate is not None and rate.is_due(now):
            rate.move(now, congested=False)
        if not _is_waited_in(line) or no_turns(stock, self.now_ms):
            return 0
        turns = BATCH_MAX if rate is None else rate.allowed(now)
        for _ in range(turns):
            self._system(GiveTurn)
        return turns

    def _heard(self, publication: Publication) -> None:
        """Let people know of turns, and count them."""
        now, averages = self.now_ms / 1_000, self._averages
        if averages is not None:
            self._watch.begin(publication, self.stock, now)
            self._watch.end(publication, self.stock, averages, self._rate, now)
            if self._rate is not None:
                self._rate.gave(len(publication.turns))
        for turn in publication.turns:
            self.notes.gave(self.now_ms, turn, self._waited_s(turn.user))
            buyer = self._buyers[turn.user]
            for after_ms, act in buyer.turn(turn.hold):
                self._later(self.now_ms + after_ms, self._act, turn.user, act)
        for over in publication.turns_over:
            self.notes.over(self.now_ms, over)

    def _act(self, user: str, act: str) -> None:
        buyer = self._buyers[user]
        command = buyer.command(act)
        if command is not None:
            self._ask(user, command, partial(self._answered, user))

    def _answered(self, user: str, _: Envelope, reply: Reply) -> None:
        buyer = self._buyers[user]
        for after_ms, act in buyer.answered(reply):
            self._later(self.now_ms + after_ms, self._act, user, act)
        if buyer.found_nothing:
            buyer.found_nothing = False
            self.notes.found_nothing += 1
        if isinstance(reply, Refused):
            self.notes.refused[reply.code] = self.notes.refused.get(reply.code, 0) + 1

    def _waited_s(self, user: str) -> float:
        came_ms = self.stage.opens_ms + max(
            0, int(1_000 * self._buyers[user].person.came_s)
        )
        return max(0.0, (self.now_ms - came_ms) / 1_000)

    # -- Odds

    def forecast(self) -> Forecast:
        """Return what is expected of the line now."""
        line, stock = self.line, self.stock
        seen = None
        if self._averages is not None:
            still = self._watch.still(self.now_ms / 1_000)
            per_s = None if self._rate is None else self._rate.r
            seen = Seen(self._averages, still, per_s)
        habits = habits_of(stock, line, seen, self._expected)
        making = ForecastMaking(stock, line, 0, self.now_ms, habits)
        for _ in making.steps():
            pass
        return making.forecast()

    def _sample(self, moment: Moment) -> None:
        """Note the raw odds of some who wait, to be scored in the end."""
        if moment in self.notes.sampled:
            return
        self.notes.sampled.add(moment)
        forecast, line = self.forecast(), self.line
        for rank in range(1, line.fed + 1, SAMPLED):
            if line.states[rank - 1] != WAITING:
                continue
            user = line.user_of(rank) or ""
            if self._buyers[user].person.gone_s is None:
                raw = forecast.raw(rank, line.wish_of(rank))
                self.notes.said.append(Said(user, moment, raw.turn, raw.end))

    # -- Batches

    def _later(self, at_ms: int, act: Any, *of: Any) -> None:
        self._order += 1
        heappush(self._due, (at_ms, self._order, partial(act, *of)))

    def _system(self, kind: type[AnyCommand], **fields: Any) -> None:
        command: Any = kind(id=0, event=self.stage.event, **fields)
        self._ask(SYSTEM, command, lambda _, reply: None)

    def _ask(self, user: str, command: AnyCommand, reply: Any) -> None:
        system = user == SYSTEM
        self._box.append(Envelope(command, user, system, reply, system=system))

    def _run_batches(self) -> None:
        """Decide what waits and what is due, until nothing is."""
        while self._run_batch():
            pass
        line = self.stock.line
        if line is None or self.stock.settings.sale_state != "on_sale":
            return
        if line.states.count(DONE) >= KNOWN_TURNS:
            self._sample("known")
        if 2 * free_places(self.stock) <= self.stage.free:
            self._sample("half")

    def _run_batch(self) -> bool:
        stock, drain = self.stock, self._drain
        builder = BatchBuilder(stock)
        drain.begin()
        drain.due(builder, self._own(), self.now_ms)
        box, self._box = self._box, []
        waiting = deque(box)
        drain.mailbox(builder, waiting, self._keys, self.now_ms, len(waiting))
        self._box = [*waiting, *self._box]
        for envelope, reply in builder.prepared:
            envelope.reply(envelope, reply)
        changed = bool(builder.changes)
        self._heard(builder.publication(self._ownership))
        self.notes.changes += len(builder.changes)
        self.notes.commands += len(builder.prepared)
        return bool(self._box) or drain.owed > 0 or (changed and bool(self._own()))

    def _own(self) -> list[AnyCommand]:
        """Return what the event does by itself now."""
        stock, event = self.stock, self.stage.event
        found: list[AnyCommand] = [
            ExpireHold(id=0, event=event, hold=one)
            for one in stock.due_holds(self.now_ms, EXPIRIES_PER_BATCH_MAX)
        ]
        for at_ms, step in sale.steps(stock.settings):
            if at_ms <= self.now_ms:
                found.append(step(id=0, event=event))
        if stock.line is not None:
            found += line_due(stock, stock.line, event, self.now_ms)
        return found


def _is_waited_in(line: Line) -> bool:
    return WAITING in line.states or (line.serve_away and AWAY in line.states)
