"""A recovery snapshot: the whole state of one event at one version, and back."""

from hashlib import sha256

from msgspec import MsgspecError, Struct, msgpack

from inventory.settings import Settings
from inventory.state import (
    AreaCount,
    BookingRecord,
    Corrupt,
    HoldRecord,
    Stock,
    UserRecord,
)
from inventory.venue.map import Venue

FORMAT = 1
DIGEST_BYTES = 32


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


def encode_snapshot(stock: Stock) -> bytes:
    """Encode the state of `stock`, after a digest of the encoding.

    Called between two batches of a sale, so it takes no longer than it must: the state
    hash, which sorts everything, is the audit's business.
    """
    body = msgpack.encode(
        Snapshot(
            FORMAT,
            stock.version,
            stock.at_ms,
            stock.settings,
            bytes(stock.letters),
            stock.areas,
            list(stock.holds.values()),
            list(stock.bookings.values()),
            [(ms, token, stock.expired[token]) for ms, token in stock.expired_at],
        )
    )
    return sha256(body).digest() + body


def decode_snapshot(body: bytes, venue: Venue) -> Stock:
    """Build the state again; raise `Corrupt` where it is not the one encoded."""
    digest, body = body[:DIGEST_BYTES], body[DIGEST_BYTES:]
    if sha256(body).digest() != digest:
        raise Corrupt("a snapshot that is not what was stored")
    try:
        snapshot = msgpack.decode(body, type=Snapshot)
    except MsgspecError as error:
        raise Corrupt(f"a snapshot that cannot be read: {error}") from error
    if snapshot.format != FORMAT or len(snapshot.letters) != len(venue.seats):
        raise Corrupt("a snapshot of another format or another venue")
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
    for booking in snapshot.bookings:
        stock.bookings[booking.booking] = booking
        user = stock.users.setdefault(booking.user, UserRecord())
        user.bookings[booking.booking] = None
        user.count += len(booking.seats) + sum(booking.areas.values())
    for at_ms, token, holder in snapshot.expired:
        stock.expired_at.append((at_ms, token))
        stock.expired[token] = holder
    return stock
