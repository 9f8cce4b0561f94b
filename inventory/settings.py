"""What an event is set to: sale state, window, limits, prices.

`decide` reads it, so it changes only by journaled changes (`EventConfigured`,
`SaleChanged`). Times are Unix milliseconds of the database's clock.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from inventory import limits

SaleState = Literal[
    "draft", "scheduled", "on_sale", "paused", "closed", "completed", "cancelled"
]
Amount = Annotated[int, Meta(ge=0, le=10**12)]
# The length, because `$` lets a newline pass.
Currency = Annotated[str, Meta(min_length=3, max_length=3, pattern="^[A-Z]{3}$")]


class Money(Struct, frozen=True):
    """An amount in the currency's minor unit."""

    amount: Amount
    currency: Currency


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of one event; replaced as a whole, never edited."""

    name: str
    sale_state: SaleState = "draft"
    starts_at_ms: int
    ends_at_ms: int | None = None
    on_sale_at_ms: int | None = None
    hold_ttl_s: Annotated[int, Meta(ge=1, le=limits.HOLD_TTL_S_MAX)] = 600
    max_per_user: Annotated[int, Meta(ge=1, le=limits.PER_USER_MAX)] = 10
    max_per_booking: Annotated[int, Meta(ge=1, le=limits.SEATS_PER_BOOKING_MAX)] = 10
    prices: dict[str, Money] = {}
    payment: Literal["none", "required"] = "none"
    cancel_until_s: Annotated[int, Meta(ge=0, le=10**9)] = 86_400
    prevent_orphans: bool = False
    waitlist: bool = True
    deleted: bool = False
    one_booking_per_user: bool = False
    registration: Literal["closed", "open"] = "closed"
    off_sale_at_ms: int | None = None
    """When the sale closes by itself."""
    completes_at_ms: int | None = None
    """When the event is over, and completed by itself."""
    capacity: Annotated[int, Meta(ge=1, le=limits.AREA_CAPACITY_MAX)] | None = None
    """Of an event that is only one area: its places, where they are others than those
    that it was made with."""
