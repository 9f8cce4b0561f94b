"""An order as its rows have it: lines, attempts to pay, refunds.

Plain values, replaced as a whole. Amounts are integers in the currency's minor unit,
times are milliseconds since 1970 in UTC. Who may alter what is in
`server.shop.orders.rules`, and nowhere else.
"""

from typing import Final, Literal, get_args

from msgspec import Struct

from persistence.events.details import Late
from persistence.shop.promotions.discounts import Discount

Step = Literal[
    "new",
    "pledging",
    "priced",
    "paying",
    "closing",
    "paid",
    "late",
    "booked",
    "completed",
    "refused",
    "expired",
    "left",
    "lost",
    "given_back",
    "event_cancelled",
]
Status = Literal[
    "initiated", "payment_pending", "confirmed", "completed", "cancelled", "refunded"
]
STATUS_OF: Final[dict[Step, Status]] = {
    "new": "initiated",
    "pledging": "initiated",
    "priced": "payment_pending",
    "paying": "payment_pending",
    "closing": "payment_pending",
    "paid": "payment_pending",
    "late": "payment_pending",
    "booked": "confirmed",
    "completed": "completed",
    "refused": "cancelled",
    "expired": "cancelled",
    "left": "cancelled",
    "lost": "refunded",
    "given_back": "refunded",
    "event_cancelled": "refunded",
}
Hand = Literal["cash", "card"]
BY_HAND: Final[frozenset[str]] = frozenset(get_args(Hand))
"""Who takes money where no provider does: somebody at a counter, in cash or with a
machine for cards that knows nothing of us. A payment of theirs has one of these names
where others have their provider's."""
Returned = Literal["none", "part", "full"]
LineState = Literal["live", "leaving", "gone"]
AttemptState = Literal["created", "open", "processing", "failed", "expired", "captured"]
Use = Literal["accepted", "surplus", "rejected"]
RefundState = Literal["requested", "sent", "settled", "failed", "by_hand"]
RefundReason = Literal[
    "surplus",
    "rejected",
    "excess",
    "lost",
    "event_cancelled",
    "given_back",
    "outside",
    "goodwill",
    "dispute",
]
DisputeState = Literal["open", "won", "lost"]


class OrderLine(Struct, frozen=True, kw_only=True):
    """One seat, place, piece or fee, with its own amounts: they never change."""

    line: int
    kind: Literal["seat", "place", "goods", "fee"]
    label: str
    category: str
    type: str | None = None
    unit: int
    discount: int = 0
    fee: int = 0
    tax: int = 0
    tax_ppm: int = 0
    gross: int
    seller_fee: int = 0
    """What the seller pays of it: inside of `gross`, and not told to the buyer."""
    state: LineState = "live"
    back: int = 0
    """With which part of the order it is given back; 0 where that is all of it."""
    kept: bool = False
    """Whether it is gone, and its seat is not for sale again."""
    allowance: int = 0
    """What of `gross` went back as a goodwill, while its buyer has it."""

    @property
    def worth(self) -> int:
        """What goes back with it."""
        return self.gross - self.allowance


class Dispute(Struct, frozen=True, kw_only=True):
    """A payment that its buyer's bank doubts, and what became of that."""

    dispute: str
    """How the provider calls it."""
    state: DisputeState
    """`won` where the money stays, also where the bank only asked."""
    amount: int
    currency: str
    reason: str = ""
    """A word of the provider's, as `fraudulent`."""


class Payment(Struct, frozen=True, kw_only=True):
    """One attempt to pay. `payment` is its id and its key at the provider."""

    payment: str
    provider: str
    amount: int
    currency: str
    at_ms: int
    """When it was made here."""
    state: AttemptState = "created"
    ref: str | None = None
    """How the provider calls it."""
    url: str | None = None
    """The provider's page of it."""
    captured: int = 0
    captured_currency: str | None = None
    use: Use | None = None
    """What became of captured money; set once."""
    asked: str | None = None
    """The request of its buyer that it was made for, where that had a key."""
    disputes: tuple[Dispute, ...] = ()
    """By their names."""

    @property
    def disputed(self) -> DisputeState | None:
        """What stands of its disputes: one that is open, else the worst; None if none.

        Money that a lost one took is a refund of the reason `dispute`.
        """
        states = {one.state for one in self.disputes}
        order: tuple[DisputeState, ...] = ("open", "lost", "won")
        return next((one for one in order if one in states), None)

    def __repr__(self) -> str:
        """Leave out where it can be paid."""
        return f"Payment({self.payment!r}, {self.state!r}, {self.use!r})"


class Refund(Struct, frozen=True, kw_only=True):
    """Money that is to go back, from one payment."""

    refund: str
    payment: str
    amount: int
    currency: str
    reason: RefundReason
    at_ms: int
    state: RefundState = "requested"
    ref: str | None = None
    """How the provider calls it."""
    lines: tuple[int, ...] = ()
    was_settled: bool = False
    """Whether it was told to be settled, though it failed later."""
    note: str = ""
    """Why, in the words of who asked for it."""
    asked_by: str | None = None
    """Which person; None where the rules did."""
    instead_of: str | None = None
    """The refund that failed, and is tried again by this one."""

    def __repr__(self) -> str:
        """Leave out what people wrote."""
        return f"Refund({self.refund!r}, {self.amount!r}, {self.state!r})"


class Rules(Struct, frozen=True, kw_only=True):
    """What an order was made under; later settings of the event do not touch it."""

    pays: bool
    """Whether it is paid before it is booked; else at the door, or it is free."""
    pay_s: int
    """How long its buyer has to pay."""
    until_s: int
    """For how long the hold is asked for: the pay time and a margin."""
    late: Late = "same"
    """What becomes of money that comes after the seats went back."""
    types: dict[str, str | dict[str, int]] | None = None
    """What is bought as which type: a seat by its label, places by area and type."""
    discounts: tuple[Discount, ...] = ()
    """What its codes take off, in the order in which they do."""


class OrderState(Struct, frozen=True, kw_only=True):
    """All of an order that its rules know."""

    order: str
    event: str
    hold: str
    provider: str | None
    """Who takes the money; None where nobody does."""
    rules: Rules
    step: Step = "new"
    leaving: bool = False
    """Whether its buyer left before it was paid."""
    seen_total: int | None = None
    """What the buyer was shown."""
    currency: str | None = None
    total: int = 0
    due: int = 0
    """What is owed to the buyer and could not be returned."""
    returned: Returned = "none"
    pay_until_ms: int | None = None
    accepted: str | None = None
    """The attempt whose money is for this order."""
    booking: str | None = None
    why: str | None = None
    """The code with which the event refused it last."""
    lines: tuple[OrderLine, ...] = ()
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()

    @property
    def status(self) -> Status:
        """What is said of it to everybody."""
        status = STATUS_OF[self.step]
        if status == "refunded" and self.accepted is None:
            return "cancelled"  # nobody paid
        return status
