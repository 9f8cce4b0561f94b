"""Ears: people who wait at sockets, and are told once in a while how their line stands.

An ear stands for a socket's writer at the shipped `Waiters` of some process. What was
told is held against the journal at the version that was named; and while nothing goes
wrong nobody is far behind.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import UNSET

from server.events.line.waiters.waiters import LineNow

if TYPE_CHECKING:
    from tests.simulation.line.people import Person
    from tests.simulation.line.twin import JournalTwin
    from tests.simulation.process import Process
    from tests.simulation.world import World

LOOK_S: Final = 1.0
FRESH_S: Final = 6.0
"""Who is near hears each other second; a look, a turn, and a way are added to that."""

FAR_S: Final = 35.0
WELL_S: Final = 8.0
"""So long after all faults ended everybody has found a process, and it the owner."""

Told = tuple[tuple[tuple[int, int], ...], int]
"""Marks, and the rank furthest down that had its turn."""


class Plain:
    """Leaves frames as they are."""

    def pack(self, frame: object) -> Any:
        return frame


PLAIN: Final = Plain()


class Heard(NamedTuple):
    """The last that an ear heard."""

    version: int
    told_s: float


class Ear:
    """Stands for the writer of one socket."""

    codec = PLAIN

    def __init__(self, person: "Person", process: "Process", now: float) -> None:
        self.person = person
        self.process = process
        self.since_s = now
        self.last: Heard | None = None
        self.listening: Listening = process.world.crowd.listening

    def roomy(self) -> bool:
        return True

    def write(self, frame: LineNow) -> None:
        self.listening.hear(self, frame)

    send = write


class Listening:
    """All ears of a world."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.ears: dict[tuple[str, int], Ear] = {}
        self.told: dict[str, dict[int, Told]] = {}
        """By event and version, as it was told while nothing went wrong."""
        self.heard = 0
        self.owned: dict[str, tuple[tuple[int, int], float]] = {}
        """Processes and epochs of owners, and since when they are."""

    def look(self, people: list["Person"]) -> None:
        """Let who waits have an ear at a process that is there."""
        world = self.world
        world.scheduler.call_later(LOOK_S, self.look, people)
        self._note_owners()
        if self._is_well():
            self._check()
        for person in people:
            ear = self.ears.get(person.named)
            if ear is not None and not (person.stub and ear.process.serves):
                # They left, or their connection broke.
                del self.ears[person.named]
                if ear.process.loop.alive and ear.process.line is not None:
                    waiters, event = ear.process.line.waiters, person.event
                    ear.process.loop.call_soon(waiters.unwait, event, ear)
            if person.stub and person.draw and person.named not in self.ears:
                self._wait(person)

    def _note_owners(self) -> None:
        for event in self.world.crowd.events:
            served = [
                (process.number, local.board.epoch)
                for process, local in self.world.owners(event)
                if process.serves and local.actor.stock is not None
            ]
            if len(served) != 1:
                self.owned.pop(event, None)
            elif event not in self.owned or self.owned[event][0] != served[0]:
                self.owned[event] = served[0], self.world.scheduler.now

    def _wait(self, person: "Person") -> None:
        slots = self.world.slots
        process = slots[(person.number + self.heard) % len(slots)]
        if not process.serves or process.line is None:
            return
        ear = Ear(person, process, self.world.scheduler.now)
        self.ears[person.named] = ear
        writer: Any = ear
        wait = partial(process.line.waiters.wait, person.event, writer)
        process.loop.call_soon(wait, person.user, person.rank, person.draw)

    def _is_well(self) -> bool:
        crowd, now = self.world.crowd, self.world.scheduler.now
        return crowd.well_s + WELL_S < now and self.world.at_rest

    def hear(self, ear: Ear, frame: LineNow) -> None:
        """Hear how a line stands; a rank comes once, to whose it is."""
        self.heard += 1
        world, event, person = self.world, frame.event, ear.person
        if event != person.event:
            world.violate(f"L25: {person.user} was told of {event}: {frame}")
        mine = person.rank
        if frame.rank is not UNSET and mine not in (None, frame.rank):
            world.violate(f"L1: {person.user} was told of {mine}, then {frame}")
        ear.last = Heard(frame.version, world.scheduler.now)
        committed = world.database.head(event).version
        if self._is_well() and frame.version <= committed:
            told = tuple(frame.marks), frame.next
            former = self.told.setdefault(event, {}).setdefault(frame.version, told)
            if former != told:
                world.violate(f"L25: {event} is told as {former}, and as {told}")

    def _check(self) -> None:
        """L25: who is near is a few seconds behind at most."""
        world, now = self.world, self.world.scheduler.now
        rows = world.tables.store.line_entry.values()
        waiting = {one["stub"] for one in rows if one["over_at"] is None}
        for ear in self.ears.values():
            event, last = ear.person.event, ear.last
            _, since_s = self.owned.get(event, ((0, 0), now))
            since_s = max(since_s, ear.since_s)
            stays = ear.person.stub in waiting and event not in world.crowd.closed
            if not stays or now - since_s < FRESH_S:
                continue
            told_s = since_s if last is None else max(since_s, last.told_s)
            # Whose rank nobody knows is as far away as anybody.
            fresh_s = FAR_S if ear.person.rank is None else FRESH_S
            who = f"L25: {ear.person.user}, who waits in {event}"
            if now - told_s > fresh_s:
                world.violate(f"{who}, was told nothing since {told_s:.1f}")
                world.crowd.closed.add(event)
            elif last is not None and last.version < self._version(event, fresh_s):
                world.violate(f"{who}, was told of {last}, which is long over")
                world.crowd.closed.add(event)

    def _version(self, event: str, ago_s: float) -> int:
        """Return which version was committed so long ago."""
        world, before = self.world, self.world.scheduler.now - ago_s
        head, committed = world.database.head(event), world.database.committed_at
        rows = zip(head.rows, committed[event], strict=True)
        return max((row.to for row, at_s in rows if at_s < before), default=0)


def judge_told(
    told: dict[int, Told], version: int, twin: "JournalTwin"
) -> Iterator[str]:
    """L25: at its marks a line is as its journal says at the version that is named."""
    if version not in told:
        return
    marks, furthest = told[version]
    over = [one.state in "dl" for one in twin.places]
    for rank, left in marks:
        if left != rank - 1 - sum(over[: rank - 1]):
            yield f"L25: {left} were told to be before rank {rank} at {version}"
    turned = [rank for rank, one in enumerate(twin.places, 1) if one.state in "td"]
    if furthest != max(turned, default=0):
        yield f"L25: {furthest} was told to be the last that had its turn at {version}"
