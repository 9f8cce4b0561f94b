"""Who comes to an on-sale: drawn from a seed, so that the same people come again.

- Arrivals are a burst: half of the clients are there after a seventh of the arrival
  time or so, and the rest trickle in.
- Everyone watches the event, and comes back for more until they have bought as often as
  they meant to: once to four times, one to six seats at a time.
- Popularity is skewed: who picks by hand wants seats near the front, the more so the
  nearer, and is often too late; half of the clients let the server choose.
- Who is too late takes an alternative that was offered, then what the server chooses,
  then fewer seats, and gives up after some tries.
- Before booking they hesitate, a few for so long that their hold runs out.
- Some abandon: they release what they hold, or walk away and let it run out.
- Some lose their connection over a hold, come back and go on with it.
- Some send their booking twice with the same key, as who saw no answer would.
"""

from random import Random

from msgspec import Struct

QUANTITIES = (1, 2, 3, 4, 5, 6)
QUANTITY_WEIGHTS = (12, 40, 14, 22, 6, 6)
VISITS = (1, 2, 3, 4)
VISIT_WEIGHTS = (30, 35, 20, 15)
BY_HAND_SHARE = 0.5
FRONT_SKEW = 3.0
"""The place of a wish, from 0 to 1, is an even draw to this power."""

BURST_SHARE = 0.2
"""Mean of the arrivals, of the arrival time."""

HESITATION_MEDIAN_S = 1.0
HESITATION_SPREAD = 0.7
THINK_S = (0.2, 1.2)
RELEASES_SHARE = 0.06
WALKS_AWAY_SHARE = 0.03
DROPS_SHARE = 0.05
DROPPED_S = (0.1, 1.0)
BOOKS_TWICE_SHARE = 0.05
TRIES = 6


class Visit(Struct, kw_only=True, frozen=True):
    """One attempt to buy; times in seconds."""

    quantity: int
    place: float | None
    """How far from the front, from 0 to 1; None lets the server choose."""

    think_s: float
    """Before each command of the search."""

    hesitation_s: float
    releases: bool
    walks_away: bool
    drops_s: float | None
    """Loses its connection for so long while it holds."""

    books_twice: bool


class Client(Struct, kw_only=True, frozen=True):
    """One who comes."""

    arrival_s: float
    visits: list[Visit]


def draw_client(seed: int, number: int, arrival_s: float) -> Client:
    """Draw one client; each has dice of its own, whoever else comes."""
    dice = Random(f"{seed}/{number}")
    came_s = dice.expovariate(1 / (arrival_s * BURST_SHARE))
    return Client(
        arrival_s=min(came_s, arrival_s),
        visits=[
            _draw_visit(dice) for _ in range(dice.choices(VISITS, VISIT_WEIGHTS)[0])
        ],
    )


def _draw_visit(dice: Random) -> Visit:
    fate = dice.random()
    walks_away = fate < WALKS_AWAY_SHARE
    mood = dice.lognormvariate(0, HESITATION_SPREAD)
    by_hand = dice.random() < BY_HAND_SHARE
    return Visit(
        quantity=dice.choices(QUANTITIES, QUANTITY_WEIGHTS)[0],
        place=dice.random() ** FRONT_SKEW if by_hand else None,
        think_s=dice.uniform(*THINK_S),
        hesitation_s=HESITATION_MEDIAN_S * mood,
        releases=not walks_away and fate < WALKS_AWAY_SHARE + RELEASES_SHARE,
        walks_away=walks_away,
        drops_s=dice.uniform(*DROPPED_S) if dice.random() < DROPS_SHARE else None,
        books_twice=dice.random() < BOOKS_TWICE_SHARE,
    )
