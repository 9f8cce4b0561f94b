"""What an order can hear of, and what it wishes then. Plain values.

A fact of the provider comes from `server.shop.payments.provider`; the rest is here:
replies of the event, answers of the provider to what we asked, and what people ask.
"""

from typing import Literal

from msgspec import Struct

from persistence.shop.orders.records import OrderLine, OrderState
from server.shop.payments.provider import Fact


class Tick(Struct, frozen=True):
    """Time has gone by."""


class Pledged(Struct, frozen=True, kw_only=True):
    """The event gave the order its hold, at these prices, which are final."""

    lines: tuple[OrderLine, ...]
    currency: str | None
    total: int
    pay_until_ms: int


class NotPledged(Struct, frozen=True):
    """The event refused, for good, with this code."""

    code: str


class SessionOpen(Struct, frozen=True):
    """The provider has a page for an attempt."""

    payment: str
    ref: str
    url: str


class NoSession(Struct, frozen=True):
    """The provider knows no such attempt: nobody can pay it."""

    payment: str


class Booked(Struct, frozen=True):
    """The event has the booking."""

    booking: str


class NotBooked(Struct, frozen=True):
    """The event refused the booking, for good, with this code.

    `again` where the seats were to be booked once more: two that drive an order must
    not take the answer to the one question for that to the other.
    """

    code: str
    again: bool = False


class Unpledged(Struct, frozen=True):
    """The order has no hold any more: given back now, or gone before."""


class SeatsFreed(Struct, frozen=True):
    """What the order had booked is free, or was gone before.

    `back` is which part of it; 0 where all of it was asked for at once.
    """

    back: int = 0


class RefundSent(Struct, frozen=True):
    """The provider took a refund and has not settled it."""

    refund: str


class PayAgain(Struct, frozen=True):
    """Its buyer asks for another attempt. Refused while one may still be paid.

    `asked` names the request, which has one effect.
    """

    asked: str | None = None


class Leave(Struct, frozen=True):
    """Its buyer does not want it any more, and has not paid."""


class GiveBack(Struct, frozen=True):
    """Lines are given back, by who may: all seats and places where none are named.

    `keep` where their seats are not to be sold again: then nothing is asked of the
    event. `note` and `by` say why, and who did it.
    """

    lines: tuple[int, ...] | None = None
    keep: bool = False
    note: str = ""
    by: str | None = None


class Goodwill(Struct, frozen=True):
    """Money goes back, and the buyer keeps everything. `refund` names it, once."""

    refund: str
    amount: int
    note: str = ""
    by: str | None = None


class RefundAgain(Struct, frozen=True):
    """A refund that failed is tried once more."""

    refund: str
    by: str | None = None


class RefundByHand(Struct, frozen=True):
    """A refund that failed was returned by another way, as somebody says."""

    refund: str
    note: str
    by: str | None = None


class EventCancelled(Struct, frozen=True):
    """The event does not take place: all goes back, fees too, and no seat is freed."""


class EventOver(Struct, frozen=True):
    """The event is over."""


Reply = (
    Pledged
    | NotPledged
    | SessionOpen
    | NoSession
    | Booked
    | NotBooked
    | Unpledged
    | SeatsFreed
    | RefundSent
)
Asked = (
    PayAgain
    | Leave
    | GiveBack
    | Goodwill
    | RefundAgain
    | RefundByHand
    | EventCancelled
    | EventOver
)
Heard = Fact | Reply | Asked | Tick


class Pledge(Struct, frozen=True):
    """Ask the event for the hold, for `until_s`; key `o:{order}:pledge`."""

    until_s: int


class Unpledge(Struct, frozen=True):
    """End the pledge; key `o:{order}:unpledge`.

    The seats go to all where `release`, else the buyer has the hold back.
    """

    release: bool


class Book(Struct, frozen=True):
    """Book the pledged hold; key `o:{order}:book`."""


class BookAgain(Struct, frozen=True):
    """Hold the same seats once more and book them; keys `o:{order}:late…`."""


class FreeSeats(Struct, frozen=True):
    """Cancel the booking, key `o:{order}:back`; or a part, key `o:{order}:back:{n}`."""

    back: int = 0


class Open(Struct, frozen=True):
    """Ask the provider for a page; key: the attempt."""

    payment: str


class Expire(Struct, frozen=True):
    """End an attempt at the provider; what has no `ref` is looked for first."""

    payment: str


class Look(Struct, frozen=True):
    """Ask the provider what became of a payment, and of its refunds."""

    payment: str


class GiveMoney(Struct, frozen=True):
    """Ask the provider to give money back; key: the refund."""

    refund: str


class Notify(Struct, frozen=True):
    """Tell the buyer's open pages how the order is."""


Wish = (
    Pledge
    | Unpledge
    | Book
    | BookAgain
    | FreeSeats
    | Open
    | Expire
    | Look
    | GiveMoney
    | Notify
)


class Posting(Struct, frozen=True, kw_only=True):
    """What the ledger notes, once for each kind and thing that it is about.

    `capture` and `settle` move what the provider has for us, `outside` a refund that
    somebody else made, `dispute` what a bank took back, `undo` takes one back that
    failed after it was settled; they name a payment or a refund. `allow` is a refund
    that takes no line away. `confirm` and `give_back` are of lines.
    """

    kind: Literal[
        "capture",
        "settle",
        "undo",
        "outside",
        "dispute",
        "allow",
        "confirm",
        "give_back",
    ]
    about: str
    amount: int
    currency: str
    lines: tuple[OrderLine, ...] = ()


class Outcome(Struct, frozen=True):
    """What is to be written, in one transaction, and what is wished after it.

    `order` is all of it as it is now, which `postings` come with; `wake_ms` is when to
    look at it again if nobody did what it wishes, and None where it rests. `refused` is
    a code for who asked, with nothing written; `alarm` a sentence for who runs this.
    """

    order: OrderState
    postings: tuple[Posting, ...]
    wishes: tuple[Wish, ...]
    wake_ms: int | None
    refused: str | None = None
    alarm: str | None = None
