"""Documents and bodies of lines: the line, a place in it, and what is wished."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.limits import LABEL_LENGTH_MAX, TURN_S_MAX, WISH_CATEGORIES_MAX
from inventory.line.wishes import Wish, WishQuantity
from inventory.replies import HeldHold
from inventory.settings import LineMode, Money
from persistence.events.line.entries import Entry
from persistence.events.line.lines import LineCounts, LineRow, Said
from persistence.events.line.lists import ListRow
from server.events.line.gates.captcha import CAPTCHA_LENGTH_MAX
from server.events.line.gates.work import PROOF_LENGTH_MAX
from server.events.line.rules import State, TellablePhase, state_of
from server.events.line.service import wish_of
from server.events.line.wire.outlook import Outlook
from server.transport.rest.bodies import Body

Category = Annotated[str, Meta(min_length=1, max_length=LABEL_LENGTH_MAX)]
Device = Annotated[str, Meta(min_length=8, max_length=128)]
Locale = Annotated[str, Meta(max_length=35, pattern="^[A-Za-z0-9-]*$")]
Proof = Annotated[str, Meta(min_length=1, max_length=PROOF_LENGTH_MAX)]
CaptchaAnswer = Annotated[str, Meta(min_length=1, max_length=CAPTCHA_LENGTH_MAX)]
PlaceToken = Annotated[str, Meta(min_length=1, max_length=2_048)]
TurnSeconds = Annotated[int, Meta(ge=1, le=TURN_S_MAX)]

NEAR: Final = 500
"""So many before one are near: then one asks again soon."""
POLL_NEAR_MS: Final = 2_000
POLL_MS: Final = 10_000
POLL_FAR_MS: Final = 30_000


class WishBody(Body):
    """So many seats or places, all or none of them.

    `categories` are those that will do, the best first; none means any. `if_none` is
    whether to wait until it fits, or to choose among what there is when it is one's
    turn.
    """

    quantity: WishQuantity
    categories: Annotated[
        tuple[Category, ...], Meta(max_length=WISH_CATEGORIES_MAX)
    ] = ()
    together: bool = True
    accessible: bool = False
    if_none: Literal["wait", "browse"] = "wait"

    def wish(self) -> Wish:
        """Return it as the event takes it."""
        return Wish(
            self.quantity,
            self.categories,
            self.together,
            self.accessible,
            self.if_none,
        )


class JoinBody(Body):
    """What to join with.

    `device` is an id that an application made for its installation; `locale` is the
    language of the mails, as BCP 47. `proof` and `captcha` are what the challenge of
    the line asks for: what ALTCHA's widget gives, and what the captcha's does.
    """

    wish: WishBody | None = None
    device: Device | None = None
    locale: Locale = ""
    proof: Proof | None = None
    captcha: CaptchaAnswer | None = None


class PlacePatch(Body):
    """What to change of a place; what is absent stays. Without a `wish` one chooses."""

    wish: WishBody | UnsetType | None = UNSET
    more_time: bool = False
    """Whether a turn lasts twice as long."""
    paused: bool | UnsetType = UNSET


class PlaceBody(Body):
    """A place, as it was told to who joined."""

    place: PlaceToken


class CaptchaDocument(Struct):
    """The captcha that is asked for: the key that a page shows its widget with."""

    site_key: str


class ChallengeDocument(Struct):
    """What to solve before one joins, as ALTCHA's widget takes it (version 1).

    `needed` is whether a proof is asked for at all; a `captcha` that is not null is
    asked for, too. A proof counts once, for ten minutes, for whoever got the challenge.
    """

    algorithm: str
    challenge: str
    salt: str
    signature: str
    maxnumber: int
    needed: bool
    captcha: CaptchaDocument | None


class LinePatch(Body):
    """How the line goes on; what is absent stays."""

    turns_per_min: Annotated[int, Meta(ge=1, le=1_000_000)] | UnsetType = UNSET
    sell_out_s: Annotated[int, Meta(ge=0, le=86_400)] | UnsetType = UNSET
    turn_s: TurnSeconds | UnsetType = UNSET
    offer_s: TurnSeconds | UnsetType = UNSET
    serve_away: bool | UnsetType = UNSET
    count_returns: bool | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class TurnDocument(Struct):
    """A turn: until when, and what is held for it.

    `until` is promised; `seats` and `areas` are empty where one chooses oneself.
    """

    because: str
    until: datetime
    hold: str | None
    seats: list[str]
    areas: dict[str, int]
    total: Money | None


class PlaceDocument(Struct):
    """A place in a line.

    `place` is the signed proof of it, which opens it on another device; whoever has it
    or the `entry` has the place. `rank` is null until it is fed, within a second, and
    while a line gathers; it never changes. `ahead` are those before it who are not
    done; it never rises.
    """

    event: str
    entry: str
    place: str
    stub: str
    state: State
    phase: TellablePhase | None
    """Null in lists of places."""
    rank: int | None
    ahead: int | None
    wish: WishBody | None
    turn: TurnDocument | None
    ended: str | None
    """How it ended: `left`, or its turn did as `booked`, `ran_out` or `sale`."""
    joined_at: datetime
    over_at: datetime | None
    poll_after_ms: int
    """When it is worth asking again."""
    outlook: Outlook | None
    """What it may expect, while its turn is to come; null in lists of places."""


class LineCountsDocument(Struct):
    """How many ever joined, have a place that is not over, and have their turn."""

    joined: int
    waiting: int
    turns: int


class LineDocument(Struct):
    """The line of an event: its phase, what was promised, what came of it.

    `rules` are hashed as they are published, in canonical JSON; `commitment` binds the
    seed, which is null until it is told. docs/fairness.md says how to check it.
    """

    event: str
    mode: LineMode | None
    phase: TellablePhase
    paused: bool
    draw: int | None
    rules: dict[str, Any] | None
    rules_hash: str | None
    commitment: str | None
    seed: str | None
    root: str | None
    entries: int | None
    line_hash: str | None
    opened_at: datetime | None
    counts: LineCountsDocument
    round: int | None = None
    """Of the beacon, which decides: that of `rules`, or the one by rule since."""
    statement: dict[str, Any] | None = None
    """What `signature` is under: told as `line_fixed` when the list was fixed."""
    signature: str | None = None
    beacon: str | None = None
    """The signature of the round, once the order is known."""
    message: Said | None = None
    """What was said last to those who wait; `texts` is the same by language."""


def line_document(
    event: str,
    mode: LineMode | None,
    phase: TellablePhase,
    row: LineRow | None,
    counts: LineCounts,
    listed: ListRow | None = None,
) -> LineDocument:
    """Return a line as anybody may see it; the seed only once the order is known."""
    told = LineCountsDocument(counts.joined, counts.live - counts.turns, counts.turns)
    if row is None or row.phase == "opening":
        nothing = (None,) * 9
        return LineDocument(event, mode, phase, False, *nothing, told)
    rules = msgspec.json.decode(row.rules)
    is_drawn = row.line_hash is not None
    document = LineDocument(
        event,
        row.mode,
        phase,
        row.paused,
        row.draw,
        rules,
        row.rules_hash.hex(),
        row.commitment.hex(),
        _hex(row.seed) if is_drawn else None,
        _hex(row.root),
        row.entries,
        _hex(row.line_hash),
        row.opened_at,
        told,
        rules["round"] if row.round is None else row.round,
        message=row.message,
    )
    if listed is not None and listed.statement is not None:
        document.statement = msgspec.json.decode(listed.statement)
        document.signature = _hex(listed.signature)
        document.beacon = _hex(listed.beacon) if is_drawn else None
    return document


def place_document(
    entry: Entry,
    place: str,
    phase: TellablePhase | None,
    held: HeldHold | None,
    outlook: Outlook | None = None,
) -> PlaceDocument:
    """Return a place as whoever has it sees it; without a phase, as in lists."""
    state = state_of(entry.rank, entry.turn is not None, entry.paused, entry.ended)
    # A list does not know, so it tells no rank before there is a turn.
    hidden = phase == "gathering"
    turn = None
    if state == "turn" and entry.turn is not None and entry.turn_until is not None:
        turn = TurnDocument(
            entry.turn,
            entry.turn_until.astimezone(UTC)
            if held is None
            else datetime.fromisoformat(held.expires_at),
            entry.hold,
            [] if held is None else held.seats,
            {} if held is None else held.areas,
            None if held is None else held.total,
        )
    wish = wish_of(entry.wish)
    return PlaceDocument(
        entry.event_id,
        entry.entry_id,
        place,
        entry.stub.hex(),
        state,
        phase,
        None if hidden else entry.rank,
        None if hidden else entry.ahead,
        None if wish is None else _told(wish),
        turn,
        entry.ended,
        entry.joined_at,
        entry.over_at,
        poll_after_ms(state, entry.ahead),
        outlook,
    )


def poll_after_ms(state: State, ahead: int | None) -> int:
    """Return when it is worth asking again: soon near the front."""
    if state in {"done", "left"}:
        return POLL_FAR_MS
    if state in {"turn", "joined"} or (ahead is not None and ahead < NEAR):
        return POLL_NEAR_MS
    return POLL_MS if ahead is not None and ahead < 10 * NEAR else POLL_FAR_MS


def _told(wish: Wish) -> WishBody:
    return WishBody(
        wish.quantity,
        wish.categories,
        wish.together,
        wish.accessible,
        wish.if_none,
    )


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
