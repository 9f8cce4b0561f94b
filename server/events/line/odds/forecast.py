"""What is expected of a line: how much those before each rank will have taken.

Pure. It is made beside the owner, for all who wait at once, and read wherever somebody
asks: what one has to look up is one's rank and wish.
"""

from bisect import bisect_right
from collections.abc import Iterable
from math import erf, prod, sqrt
from typing import Final

from msgspec import Struct

from inventory.line.wishes import Wish
from server.events.line.odds.words import Calibration, Word, word_of

TENTHS: Final = 10
"""What will be taken is told in tenths of a place."""

ROOT_2: Final = sqrt(2)
LEAST: Final = 1e-12
"""What is less is the same to everybody, and not yet impossible."""


class Supply(Struct, frozen=True, array_like=True):
    """One category's places, or those of its seats that are for wheelchairs."""

    category: str
    accessible: bool
    places: int
    """There are so many."""
    free: int
    held: int
    rows: bool
    """Whether they are seats, of which those that are left may not be neighbours."""
    taken: tuple[int, ...]
    """What those before each mark will have taken for good, in tenths of a place."""
    spread: tuple[int, ...]
    """The variance of that."""


class Chances(Struct, frozen=True):
    """Chances from 0 to 1: with what is free at one's turn, and with what returns."""

    turn: float
    end: float


class Told(Struct, frozen=True):
    """What somebody is told: words, and the facts that need no model."""

    odds: Word | None
    odds_end: Word | None
    wanted: int
    """Places that those before one wait for, at least."""
    left: int
    """Free places in one's own categories."""


class Forecast(Struct, frozen=True):
    """What is expected of one event's line, as of one moment."""

    event: str
    epoch: int
    version: int
    at_ms: int
    known: bool
    """Whether words can be said: before enough turns are over there are facts only."""
    listed: bool
    """Whether one is served from what is given back alone."""
    ranks: tuple[int, ...]
    """Marks, ascending."""
    wanted: tuple[int, ...]
    """Places that those who wait before each mark would like to have."""
    supplies: tuple[Supply, ...]
    kept: float
    """The share of held places that is booked."""
    common: float
    """Of what is taken, the part by which all of it may be wrong at once."""
    holding: float
    """So many ranks hold something at a time, undecided."""
    floor: int
    """With fewer places free nobody chooses any more."""
    wished: bool
    """Whether wishes wait: then what returns goes to them, and not to who chooses."""
    shift: float
    slope: float

    def chances(self, rank: int, wish: Wish | None) -> Chances:
        """Return the chances of a rank, corrected by what came of earlier ones."""
        correction = Calibration(self.shift, self.slope)
        raw = self.raw(rank, wish)
        return Chances(correction.chance(raw.turn), correction.chance(raw.end))

    def raw(self, rank: int, wish: Wish | None) -> Chances:
        """Return what the model says; it is shown to nobody."""
        mine = self._of(wish)
        if wish is None:
            end = self._to_choose(mine, rank)
            return Chances(end, end)
        can = [one for one in mine if one.places >= wish.quantity]
        if not can:
            return Chances(0.0, 0.0)
        end = self._to_have(can, rank, wish, turn=False)
        return Chances(min(end, self._to_have(can, rank, wish, turn=True)), end)

    def told(self, rank: int, wish: Wish | None) -> Told:
        """Return what somebody at a rank is told."""
        left = sum(one.free for one in self._of(wish))
        wanted = round(self._at(self.wanted, rank))
        if not self.known:
            return Told(None, None, wanted, left)
        chances = self.chances(rank, wish)
        end = word_of(chances.end)
        # Whoever is served from returns has no turn before something returned.
        turn = end if self.listed else word_of(chances.turn)
        return Told(turn, end, wanted, left)

    def word(self, rank: int, wish: Wish | None) -> Word:
        """Return the word for what a rank gets until the end, where words are said."""
        return word_of(self.chances(rank, wish).end)

    def others(self, rank: int, wish: Wish) -> dict[str, Word]:
        """Return the words for each category that is not wished for, with returns."""
        if not self.known:
            return {}
        found: dict[str, Word] = {}
        for one in self.supplies:
            if one.accessible is not wish.accessible or one.category in wish.categories:
                continue
            if one.places < wish.quantity:
                continue
            instead = Wish(
                wish.quantity, (one.category,), wish.together, wish.accessible
            )
            found[one.category] = word_of(self.chances(rank, instead).end)
        return found if wish.categories else {}

    def _of(self, wish: Wish | None) -> list[Supply]:
        """Return the supplies that a wish may be served from."""
        if wish is None:
            return [one for one in self.supplies if not one.accessible]
        return [
            one
            for one in self.supplies
            if one.accessible is wish.accessible
            and (not wish.categories or one.category in wish.categories)
        ]

    def _to_have(
        self, mine: Iterable[Supply], rank: int, wish: Wish, *, turn: bool
    ) -> float:
        quantity = wish.quantity
        return 1 - prod(
            1
            - chance_of(
                reach(self._there(one), quantity, rows=one.rows and wish.together),
                self._gone(one, rank, turn=turn),
                self._spread(one, rank),
                quantity,
                self.common,
            )
            for one in mine
        )

    def _to_choose(self, mine: list[Supply], rank: int) -> float:
        gone = sum(self._taken(one, rank) for one in mine)
        spread = sum(self._spread(one, rank) for one in mine)
        there = sum(one.free if self.wished else self._there(one) for one in mine)
        kept = self.kept if self.wished else 1.0
        return to_choose(there - self.floor, gone, spread, kept, self.common)

    def _there(self, supply: Supply) -> float:
        """Return what there will have been, with what running holds give back."""
        return supply.free + supply.held * (1 - self.kept)

    def _gone(self, supply: Supply, rank: int, *, turn: bool) -> float:
        """Return what will be gone when it is a rank's turn, or in the end.

        At the turn some of those before still hold what they will give back.
        """
        gone = self._taken(supply, rank)
        if not turn:
            return gone
        begin = rank - self.holding
        before = self._taken(supply, begin)
        undecided = (gone - before) * (1 - self.kept) / max(self.kept, 0.05)
        passed = rank - self.ranks[0]
        still = max(0.0, 1 - passed / self.holding) if self.holding > 0 else 0.0
        return gone + undecided + supply.held * (1 - self.kept) * still

    def _taken(self, supply: Supply, rank: float) -> float:
        return self._at(supply.taken, rank) / TENTHS

    def _spread(self, supply: Supply, rank: float) -> float:
        return self._at(supply.spread, rank) / TENTHS

    def _at(self, values: tuple[int, ...], rank: float) -> float:
        """Return a value at a rank, between two marks on the line that joins them."""
        ranks = self.ranks
        at = bisect_right(ranks, rank)
        if not at:
            return values[0]
        if at == len(ranks):
            return values[-1]
        low, high = ranks[at - 1], ranks[at]
        part = (rank - low) / (high - low)
        return values[at - 1] + part * (values[at] - values[at - 1])


def reach(there: float, quantity: int, *, rows: bool) -> float:
    """Return how many of the places that are there so many together can come from.

    What rows leave over is too few for them.
    """
    return there - (quantity - 1) * quantity if rows else there


def chance_of(
    there: float, gone: float, spread: float, quantity: int, common: float
) -> float:
    """Return the chance that so many are left of what is there.

    It is never none, however little that is: only what has no room at all cannot be.
    `spread` is the variance of what is gone; `common` what all of it has in common.
    """
    deviation = sqrt(spread + (common * gone) ** 2 + 1)
    chance = (1 + erf((there - gone - quantity + 0.5) / (deviation * ROOT_2))) / 2
    return max(chance, LEAST)


def to_choose(
    there: float, gone: float, spread: float, kept: float, common: float
) -> float:
    """Return the chance that there is something to choose from.

    Where what is given back goes to wishes, all that was ever held is gone: `gone` is
    the part of it that is `kept`.
    """
    part = max(kept, 0.05)
    return chance_of(there, gone / part, spread / (part * part), 1, common)
