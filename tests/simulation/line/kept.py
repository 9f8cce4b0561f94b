"""What is made of a line at rest: odds that can be, a snapshot with all of it."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from inventory.line.wishes import Wish
from inventory.snapshot import decode_snapshot, encode_snapshot
from inventory.state import Stock
from server.events.line.odds.forecast import Forecast
from server.events.line.odds.making import ForecastMaking
from server.events.line.odds.watching import habits_of
from server.events.line.odds.words import ORDER

if TYPE_CHECKING:
    from tests.simulation.line.twin import JournalTwin
    from tests.simulation.world import World


def check_kept(world: "World", event: str) -> None:
    """L21: what is restored of a line is what was kept of it, to the last turn."""
    stock = world.stock(event)
    if stock is None or stock.line is None:
        return
    restored = decode_snapshot(encode_snapshot(stock), stock.venue)
    former, line = stock.line.turns, restored.line
    if line is None or restored.hash() != stock.hash():
        world.violate(f"L21: {event} is another one when it is restored")
        return
    for name in ("open", "over", "granted"):
        had, has = getattr(former, name), getattr(line.turns, name)
        if had != has:
            world.violate(f"L21: turns of {event} were {name}: {had}, and are {has}")
    if former.choosing != line.turns.choosing:
        world.violate(f"L21: {line.turns.choosing} choose in {event}")


def check_odds(world: "World", event: str, stock: Stock, twin: "JournalTwin") -> None:
    """L26: none is told to who can be served, no certainty to anybody, words rise."""
    line = stock.line
    if line is None or line.drawn is None:
        return
    habits = habits_of(stock, line, None, None)
    making = ForecastMaking(stock, line, 1, world.database.clock.now_ms(), habits)
    for _ in making.steps():
        pass
    forecast = replace(making.forecast(), known=True)
    told = []
    for rank, place in enumerate(twin.places, 1):
        if place.state not in "wapu":
            continue
        chances = forecast.chances(rank, place.wish)
        can = place.wish is None or _could_be(twin, place.wish)
        who = f"L26: rank {rank} of {event}, {place.wish}: {chances}"
        if not 0 <= chances.turn <= chances.end < 1 or (chances.end > 0) != can:
            world.violate(who)
        told.append((chances.end, ORDER.index(_word(forecast, rank, place.wish))))
    told.sort()
    if [word for _, word in told] != sorted(word for _, word in told):
        world.violate(f"L26: words of {event} fall while chances rise: {told}")
    world.crowd.counts["odds told"] += len(told)


def _word(forecast: Forecast, rank: int, wish: Wish | None) -> str:
    word = forecast.told(rank, wish).odds_end
    assert word is not None
    return word


def _could_be(twin: "JournalTwin", wish: Wish) -> bool:
    """Return whether a venue has room for a wish, were all of it free."""
    room: dict[str, int] = {}
    for seat in twin.venue.seats:
        if (seat.accessible or seat.companion) == wish.accessible:
            room[seat.category] = room.get(seat.category, 0) + 1
    for area in twin.venue.areas:
        if not wish.accessible:
            room[area.category] = room.get(area.category, 0) + area.capacity
    wanted = wish.categories or room
    return any(room.get(one, 0) >= wish.quantity for one in wanted)
