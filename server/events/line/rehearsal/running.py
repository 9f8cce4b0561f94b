"""A rehearsal as a function over bytes, for a child process.

`python -m server.events.line.rehearsal.running` does one.
"""

from typing import Final

import msgspec
from msgspec import Struct

from inventory.settings import Settings
from inventory.venue.map import Venue, VenueMap
from server.events.line.rehearsal.people import Mix
from server.events.line.rehearsal.report import Report, rehearse
from server.events.line.rehearsal.stage import Stage
from server.transport.children.child import run_job


class RehearsalJob(Struct, frozen=True):
    """What is to be rehearsed. Times in virtual milliseconds."""

    event: str
    venue: VenueMap
    settings: Settings
    rules: str
    begins_ms: int
    opens_ms: int
    taken_seats: tuple[int, ...]
    taken_areas: dict[int, int]
    mix: Mix
    seed: int
    people: int
    seconds: int


_decode: Final = msgspec.msgpack.Decoder(RehearsalJob).decode


def work(job: bytes) -> bytes:
    """Rehearse a sale; return its report as JSON."""
    return msgspec.json.encode(run(_decode(job)))


def run(job: RehearsalJob) -> Report:
    """Rehearse a sale."""
    venue = Venue(job.venue)
    places = len(venue.seats) + sum(area.capacity for area in venue.areas)
    taken = len(job.taken_seats) + sum(job.taken_areas.values())
    stage = Stage(
        job.event,
        venue,
        job.settings,
        job.rules,
        job.begins_ms,
        job.opens_ms,
        job.taken_seats,
        job.taken_areas,
        places - taken,
    )
    return rehearse(stage, job.mix, job.seed, job.people, job.seconds)


if __name__ == "__main__":
    run_job(work)
