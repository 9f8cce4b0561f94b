"""A recovery snapshot: the whole state of one event at one version, and back."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from msgspec import MsgspecError, Struct, msgpack

from inventory.hoarding import LatelyRow, LetGoRow
from inventory.line.stored import LineFacts, facts_of, restore
from inventory.records import AreaCount, BookingRecord, Corrupt, HoldRecord, UserRecord
from inventory.settings import Settings
from inventory.state import Stock
from inventory.venue.map import Venue

FORMAT = 2
FORMATS = frozenset({1, FORMAT})
"""Those that are read; 1 knew no line."""

DIGEST_BYTES = 32
SLICE_RECORDS = 1_000

encode = msgpack.Encoder().encode


class UnknownFormat(Corrupt):
    """A snapshot of a version to come: the journal alone tells what it means."""


class Snapshot(Struct, array_like=True):
    """What a snapshot holds; everything else is derived from it."""

    format: int
    version: int
    at_ms: int
    settings: Settings
    letters: bytes
    areas: list[AreaCount]
    holds: list[HoldRecord]
    bookings: list[BookingRecord]
    expired: list[tuple[int, str, str]]
    let_go_lately: list[LatelyRow] = []
    let_go_by_users: list[LetGoRow] = []
    let_go_by_networks: list[LetGoRow] = []
    line: LineFacts | None = None
    line_users: list[tuple[str, ...]] = []
    """Whose the ranks of the line are, in their order."""

    reasons: list[tuple[int, str]] = []
    """Why seats are off sale."""


def take_snapshot(stock: Stock) -> Snapshot:
    """Note the state of `stock`, which may go on at once: what is shared is frozen.

    Called between two batches of a sale, so it takes no longer than it must: the state
    hash, which sorts everything, is the audit's business.
    """
    return Snapshot(
        FORMAT,
        stock.version,
        stock.at_ms,
        stock.settings,
        bytes(stock.letters),
        [AreaCount(*area.counts()) for area in stock.areas],
        list(stock.holds.values()),
        list(stock.bookings.values()),
        list(stock.expired_at),
        stock.hoarding.lately(),
        stock.hoarding.by_user.rows(),
        stock.hoarding.by_network.rows(),
        None if stock.line is None else facts_of(stock.line),
        [] if stock.line is None else list(stock.line.users),
        list(stock.reasons.items()),
    )


def encode_slices(snapshot: Snapshot) -> Iterator[bytes]:
    """Encode a snapshot in slices that take some 0.5 ms each, for `join_slices`.

    Fifty thousand holds at once would stop the sale for 20 ms. The digest comes last.
    """
    digest = sha256()
    for piece in _pieces(snapshot):
        digest.update(piece)
        yield piece
    yield digest.digest()


def join_slices(slices: Sequence[bytes]) -> bytes:
    """Return the slices together, the digest in front of what it is of."""
    return b"".join((slices[-1], *slices[:-1]))


def encode_snapshot(stock: Stock) -> bytes:
    """Encode the state of `stock`, all at once."""
    return join_slices([*encode_slices(take_snapshot(stock))])


def _pieces(snapshot: Snapshot) -> Iterator[bytes]:
    fields = [getattr(snapshot, name) for name in snapshot.__struct_fields__]
    yield _array_head(len(fields))
    for name, value in zip(snapshot.__struct_fields__, fields, strict=True):
        if type(value) is not list:
            yield encode(value)
            continue
        yield _array_head(len(value))
        # Of these each is large itself.
        size = 1 if name == "line_users" else SLICE_RECORDS
        for begin in range(0, len(value), size):
            yield b"".join(map(encode, value[begin : begin + size]))


def decode_snapshot(body: bytes, venue: Venue) -> Stock:
    """Build the state again; raise `Corrupt` where it is not the one encoded."""
    digest, body = body[:DIGEST_BYTES], body[DIGEST_BYTES:]
    if sha256(body).digest() != digest:
        raise Corrupt("a snapshot that is not what was stored")
    try:
        snapshot = msgpack.decode(body, type=Snapshot)
    except MsgspecError as error:
        raise Corrupt(f"a snapshot that cannot be read: {error}") from error
    if snapshot.format not in FORMATS:
        raise UnknownFormat(f"a snapshot of format {snapshot.format}")
    if len(snapshot.letters) != len(venue.seats):
        raise Corrupt("a snapshot of another venue")
    stock = Stock(venue, snapshot.settings)
    stock.version, stock.at_ms = snapshot.version, snapshot.at_ms
    stock.letters[:] = snapshot.letters
    stock.areas = snapshot.areas
    stock.finder.take([i for i, x in enumerate(snapshot.letters) if x != ord("f")])
    for hold in snapshot.holds:
        stock.holds[hold.token] = hold
        user = stock.users.setdefault(hold.user, UserRecord())
        user.holds[hold.token] = None
        user.count += hold.size()
        stock.set_deadline(hold.ends_ms, hold.token)
        if hold.origin is not None:
            stock.hoarding.hold(hold.origin, hold.size(), snapshot.at_ms)
    for booking in snapshot.bookings:
        stock.bookings[booking.booking] = booking
        user = stock.users.setdefault(booking.user, UserRecord())
        user.bookings[booking.booking] = None
        user.count += len(booking.seats) + sum(booking.areas.values())
    for at_ms, token, holder in snapshot.expired:
        stock.expired_at.append((at_ms, token, holder))
        stock.expired[token] = holder
    stock.hoarding.restore_lately(snapshot.let_go_lately)
    stock.hoarding.by_user.restore(snapshot.let_go_by_users)
    stock.hoarding.by_network.restore(snapshot.let_go_by_networks)
    stock.reasons = dict(snapshot.reasons)
    if snapshot.line is not None:
        restore(stock, snapshot.line, snapshot.line_users)
    return stock


def _array_head(length: int) -> bytes:
    """Return what begins an array in MessagePack, in the form for any length."""
    return b"\xdd" + length.to_bytes(4, "big")
