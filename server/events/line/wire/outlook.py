"""What somebody who waits may expect: how long, how likely, and the facts under it."""

from typing import Literal

from msgspec import Struct

from inventory.line.wishes import Wish
from server.events.line.odds.forecast import Forecast
from server.events.line.odds.words import ORDER, Word
from server.events.line.waiters.state import LineState

Why = Literal["more_before", "fewer_left"]
"""Why a word is a lower one than before."""


class Facts(Struct, frozen=True):
    """What the words rest on, and needs no model.

    `before` have a place before one and are not done; they wait for `wanted` places at
    least, and `left` are free in the categories that one wishes for.
    """

    before: int
    wanted: int
    left: int


class Outlook(Struct, kw_only=True):
    """What a place may expect; null until it is known.

    `here_ahead` are those of `ahead` who wait and are here; `from_s` and `to_s` how
    long it takes for half and for nine in ten. `odds` is how likely one finds what one
    wishes for at one's turn, `odds_end` the same with what is given back until the end:
    words, fitted so that what is `likely` comes true as often as that says. `others`
    are the words for other categories, where one's own are very unlikely.
    """

    here_ahead: int | None = None
    from_s: int | None = None
    to_s: int | None = None
    odds: Word | None = None
    odds_end: Word | None = None
    facts: Facts | None = None
    others: dict[str, Word] | None = None


def outlook_of(
    state: LineState | None,
    forecast: Forecast | None,
    rank: int | None,
    ahead: int | None,
    wish: Wish | None,
) -> Outlook:
    """Return what a place may expect, by how its line stands and what is forecast."""
    outlook = Outlook()
    if rank is None or ahead is None:
        return outlook
    if state is not None:
        outlook.here_ahead = min(state.here(rank), ahead)
        waits = state.wait_s(rank)
        if waits is not None:
            outlook.from_s, outlook.to_s = waits
    if forecast is not None:
        told = forecast.told(rank, wish)
        outlook.odds, outlook.odds_end = told.odds, told.odds_end
        outlook.facts = Facts(ahead, told.wanted, told.left)
        if told.odds_end == ORDER[0] and wish is not None:
            outlook.others = forecast.others(rank, wish) or None
    return outlook


def why_fallen(before: Outlook, now: Outlook) -> Why | None:
    """Return why the word is a lower one than before; None where it is not."""
    if before.odds_end is None or now.odds_end is None:
        return None
    if ORDER.index(now.odds_end) >= ORDER.index(before.odds_end):
        return None
    if before.facts is not None and now.facts is not None:
        # They are not more, and yet want more: they wish for other things now.
        more = now.facts.wanted - before.facts.wanted
        if more > 0 and more >= before.facts.left - now.facts.left:
            return "more_before"
    return "fewer_left"
