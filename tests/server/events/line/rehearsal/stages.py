"""Sales to be rehearsed: halls and areas of some hundred places."""

from typing import Any

from inventory.line import draw
from inventory.settings import LineSettings
from inventory.venue.map import Venue
from server.events.line.opening import rules_for
from server.events.line.rehearsal.people import Mix, people_of
from server.events.line.rehearsal.sale import RehearsedSale
from server.events.line.rehearsal.stage import Stage
from tests.scenario import EVENT, NOW_MS, hall, settings_of

OPENS_MS = NOW_MS + 60_000


def big_hall() -> Venue:
    """Return 600 seats in three categories."""
    rows = [("A", 6, "1"), ("B", 12, "2"), ("C", 12, "3")]
    return hall(
        *(
            f"{name}{number} {category * 20}"
            for name, count, category in rows
            for number in range(count)
        )
    )


def stage_of(venue: Venue, mode: str = "draw", **terms: Any) -> Stage:
    """Return what a sale is rehearsed on, all of it free."""
    line = LineSettings(**{"mode": mode, "beacon": None, **terms})
    settings = settings_of(line=line, sale_state="scheduled", on_sale_at_ms=OPENS_MS)
    rules = draw.text_of(rules_for(EVENT, 1, settings, NOW_MS, None)).decode()
    free = len(venue.seats) + sum(area.capacity for area in venue.areas)
    return Stage(EVENT, venue, settings, rules, NOW_MS, OPENS_MS, (), {}, free)


def sale_of(
    stage: Stage, seed: int = 1, people: int = 800, mix: Mix | None = None, **more: Any
) -> RehearsedSale:
    """Return a sale that was not gone through yet."""
    drawn = people_of(seed, people, 900, mix or Mix(), stage.venue, stage.settings)
    return RehearsedSale(stage, drawn, seed=seed, seconds=900, **more)
