"""The line in front of an event's sale, as its organiser sets it."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field, structs

from inventory.limits import ACCOUNT_DAYS_MAX, TURN_S_MAX
from inventory.settings import LineGate, LineMode, LineSettings
from server.transport.rest.times import Time, maybe_from_ms, maybe_to_ms

Day = Annotated[int, Meta(ge=0, le=86_400)]
TurnSeconds = Annotated[int, Meta(ge=1, le=TURN_S_MAX)]

WORK_BITS_MAX: Final = 24
"""A browser takes up to a minute for that."""

TIMES: Final = ("gather_at", "opens_at")


class GateTerms(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is asked of who joins: proof of `bits` of work, and a captcha.

    From a network that `per_address` came from, work is asked in any case, and more of
    it the more come. With `account_days` it takes an account that is as old.
    """

    bits: Annotated[int, Meta(ge=0, le=WORK_BITS_MAX)] = 0
    captcha: bool = False
    per_address: Annotated[int, Meta(ge=1, le=1_000_000)] = 50
    account_days: Annotated[int, Meta(ge=0, le=ACCOUNT_DAYS_MAX)] = 0


class LineTerms(Struct, forbid_unknown_fields=True, kw_only=True):
    """How the line in front of a sale is opened; an open one keeps what it has.

    One joins from `gather_at` on, or from when somebody opens it. Turns are given from
    `opens_at` on, which is when the sale opens if it is null; in mode `draw` the list
    of those who gathered closes `closes_before_s` before, and has to be fixed within
    `fix_within_s`. `beacon` names whose round the order is drawn by; without one, or
    where it is not to be had for `beacon_wait_s` and `without_beacon` allows it, the
    draw is shown as weak.
    """

    mode: LineMode = "draw"
    gather_at: Time | None = None
    opens_at: Time | None = None
    closes_before_s: Annotated[int, Meta(ge=1, le=86_400)] = 15
    fix_within_s: Annotated[int, Meta(ge=2, le=600)] = 6
    beacon: Annotated[str, Meta(max_length=64)] | None = "quicknet"
    beacon_wait_s: Day = 60
    without_beacon: Literal["seed_only", "wait"] = "seed_only"
    turn_s: TurnSeconds = 180
    offer_s: TurnSeconds = 600
    """How long the seats of a wish are held; never longer than any hold."""
    serve_away: bool = True
    """Whether a wish is served though nobody looks."""
    again: bool = False
    """Whether who had a turn may join anew, at the end."""
    identity: Literal["any", "email", "account"] = "any"
    gate: GateTerms = field(default_factory=GateTerms)
    turns_per_min: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    sell_out_s: Day = 900
    count_returns: bool = True
    wish_floor: Annotated[int, Meta(ge=0, le=1_000_000)] = 20
    """With so many places left, or 2 % of all, turns go to wishes only."""


def line_settings_of(terms: LineTerms | None) -> LineSettings | None:
    """Return terms as the event keeps them."""
    if terms is None:
        return None
    fields: dict[str, Any] = structs.asdict(terms)
    fields["gate"] = LineGate(**structs.asdict(terms.gate))
    for name in TIMES:
        fields[f"{name}_ms"] = maybe_to_ms(fields.pop(name))
    return LineSettings(**fields)


def line_terms_of(settings: LineSettings | None) -> LineTerms | None:
    """Return terms as clients know them."""
    if settings is None:
        return None
    fields: dict[str, Any] = structs.asdict(settings)
    fields["gate"] = GateTerms(**structs.asdict(settings.gate))
    for name in TIMES:
        fields[name] = maybe_from_ms(fields.pop(f"{name}_ms"))
    return LineTerms(**fields)
