"""The records of a transcript: one line of canonical JSON each.

docs/fairness.md says what each is for. All members are always there, nothing else is,
and there is one way to spell them.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from inventory.line.canonical import INTEGER_MAX
from inventory.line.draw import Count, Rules, Source, Text

FORMAT: Final = "onsale transcript 1"
LINE_BYTES_MAX: Final = 262_144
SEGMENT_MAX: Final = 4_096
"""How many places one record feeds at most."""
PLACES_MAX: Final = 5_000_000
RECORDS_MAX: Final = 10_000_000
BYTES_MAX: Final = 1 << 30
CLASS_MAX: Final = 65_535

Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
RoundSignature = Annotated[str, Meta(pattern=r"^[0-9a-f]{96}\Z")]
Signed = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,32}\Z")]
Class = Annotated[int, Meta(ge=0, le=CLASS_MAX)]
WishClass = Annotated[int, Meta(ge=1, le=CLASS_MAX)]
Positive = Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
Rank = Annotated[int, Meta(ge=1, le=PLACES_MAX)]
SaleState = Literal[
    "draft", "scheduled", "on_sale", "paused", "closed", "completed", "cancelled"
]


class Record(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"
):
    """A line of a transcript."""


class Change(Record, frozen=True, kw_only=True):
    """A line that is a change in the journal."""

    version: Count
    at_ms: Count


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """The receipt key's public half."""

    algorithm: Literal["Ed25519"]
    key_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
    public_key: Hash


class Head(Record, tag="head", frozen=True, kw_only=True):
    """Whose transcript it is."""

    format: Literal["onsale transcript 1"]
    event: Text
    draw: Positive
    key: Key


class Earlier(Record, tag="earlier", frozen=True, kw_only=True):
    """A draw before this one: it was drawn, or given up before its round was out."""

    draw: Count
    rules: Rules
    commitment: Hash
    seed: Hash | None
    round: Count | None
    state: Literal["drawn", "given_up"]
    at_ms: Count


class Open(Change, tag="open", frozen=True, kw_only=True):
    """The line is open; `sale` is the state of the sale then."""

    rules: Rules
    rules_hash: Hash
    commitment: Hash
    sale: SaleState


class PutOff(Change, tag="round", frozen=True, kw_only=True):
    """A round is void, and another in force."""

    void: Count
    round: Count
    why: Name


class Fixed(Change, tag="fixed", frozen=True, kw_only=True):
    """The list is fixed, and told under this signature."""

    closed_at_ms: Count
    entries: Count
    root: Hash
    round: Count | None
    signature: Signed


class Joins(Record, tag="joins", frozen=True, kw_only=True):
    """How the entrants came: by gates passed, and by minutes since 1970."""

    gates: dict[Name, Count]
    minutes: list[tuple[Count, Positive]]


class Drawn(Change, tag="drawn", frozen=True, kw_only=True):
    """The order is there."""

    source: Source
    round: Count | None
    signature: RoundSignature | None
    seed: Hash
    line_hash: Hash


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """What all places of a class would like to have."""

    accessible: bool
    categories: Annotated[tuple[Text, ...], Meta(max_length=3)]
    class_: WishClass = msgspec.field(name="class")
    if_none: Literal["wait", "browse"]
    quantity: Positive
    together: bool


class Fed(Change, frozen=True, kw_only=True):
    """The next places of the line."""

    first: Rank
    stubs: bytes
    """Of 16 bytes each."""
    classes: bytes
    """Of two bytes each, the first the most significant."""
    wishes: list[Wish]
    """Of the classes that are new."""
    left: list[Rank]
    """Who had left before."""


class Segment(Fed, tag="segment", frozen=True, kw_only=True):
    """The next entrants, in the order of the draw."""


class Late(Fed, tag="late", frozen=True, kw_only=True):
    """The next who came late, in the order of their step."""

    step: Positive


class WishSet(Change, tag="wish", frozen=True, kw_only=True):
    """A place has another wish."""

    rank: Rank
    class_: Class = msgspec.field(name="class")
    wishes: list[Wish]


class Recast(Change, tag="recast", frozen=True, kw_only=True):
    """All places of some classes are in others: their wish cannot be any more."""

    pairs: list[tuple[Class, Class]]
    wishes: list[Wish]


class Presence(Change, tag="presence", frozen=True, kw_only=True):
    """Who went away, and who came back."""

    away: list[Rank]
    back: list[Rank]


class Place(Change, tag="place", frozen=True, kw_only=True):
    """A place is passed over, waits again, or was given up."""

    rank: Rank
    to: Literal["paused", "limited", "waiting", "left"]


class Turn(Change, tag="turn", frozen=True, kw_only=True):
    """A turn is given: with seats of a category, or to choose."""

    rank: Rank
    because: Literal["line", "returned"]
    category: Text | None
    quantity: Count
    until_ms: Count


class TurnUntil(Change, tag="turn_until", frozen=True, kw_only=True):
    """An open turn lasts longer."""

    rank: Rank
    until_ms: Count


class Kept(Change, tag="kept", frozen=True, kw_only=True):
    """After a recovery no open turn ends before."""

    until_ms: Count


class TurnEnd(Change, tag="turn_end", frozen=True, kw_only=True):
    """A turn is over."""

    rank: Rank
    why: Literal["booked", "left", "sale", "ran_out"]


class Act(Change, tag="act", frozen=True, kw_only=True):
    """What those who manage the event did to the line."""

    act: Literal["pause", "resume", "close", "message", "set"]
    detail: dict[Name, bool | Count | Text]


class Grant(Change, tag="grant", frozen=True, kw_only=True):
    """A turn outside the line."""

    because: Name
    until_ms: Count


class Sale(Change, tag="sale", frozen=True, kw_only=True):
    """The sale is in another state."""

    to: SaleState


class Ended(Struct, frozen=True, forbid_unknown_fields=True):
    """How many turns ended how."""

    booked: Count
    left: Count
    ran_out: Count
    sale: Count


class Counts(Struct, frozen=True, forbid_unknown_fields=True):
    """What there was in all."""

    ended: Ended
    entries: Count
    late: Count
    left: Count
    open: Count
    records: Count
    turns: Count
    waiting: Count


class Taken(Struct, frozen=True, forbid_unknown_fields=True):
    """How many seats and places left the stock, by way."""

    blocked: Count
    box_office: Count
    granted: Count
    other: Count
    turns: Count


class Journal(Struct, frozen=True, forbid_unknown_fields=True):
    """How far the journal was read: an audit receipt of that version has its chain."""

    chain: Hash
    history_id: Text
    version: Count


class End(Record, tag="end", frozen=True, kw_only=True):
    """Where the transcript ends; final where the line is `over`."""

    over: bool
    at_ms: Count
    counts: Counts
    taken: Taken
    journal: Journal


class Signature(Record, tag="signature", frozen=True, kw_only=True):
    """The receipt key's signature under all lines before."""

    digest: Hash
    signature: Signed


AnyRecord = (
    Head
    | Earlier
    | Open
    | PutOff
    | Fixed
    | Joins
    | Drawn
    | Segment
    | Late
    | WishSet
    | Recast
    | Presence
    | Place
    | Turn
    | TurnUntil
    | Kept
    | TurnEnd
    | Act
    | Grant
    | Sale
    | End
    | Signature
)

SIGNED: Final = b"onsale transcript 1\n"
"""What the signature under a transcript begins with."""

_decode = msgspec.json.Decoder(AnyRecord).decode
_encode = msgspec.json.Encoder(order="sorted").encode


class Malformed(Exception):
    """A line is no record; the message says why."""


def line_of(record: AnyRecord) -> bytes:
    """Return the line of a record, with its end.

    Raises `Malformed` for one that would be too long.
    """
    line = _encode(record) + b"\n"
    if len(line) > LINE_BYTES_MAX:
        raise Malformed(f"a line of {len(line):,} bytes is too long")
    return line


def read(line: bytes) -> AnyRecord:
    """Return the record of a line. Raises `Malformed`."""
    if not line.endswith(b"\n"):
        raise Malformed("its end is cut off")
    try:
        record: AnyRecord = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)) from error
    if _encode(record) + b"\n" != line:
        raise Malformed("it is spelled otherwise than it is to be")
    return record
