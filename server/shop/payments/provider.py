"""What a provider of payment is asked, and the facts that it answers with.

Nothing but facts moves an order. They come from webhooks (`read`) and from answers
(`expire`, `refund`, `look`) alike, may come twice and in any order, and are told apart
by `event_ref` where the provider sent them by itself. Amounts are integers in the
currency's minor unit, times are milliseconds since 1970 in UTC.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from aiohttp import web
from msgspec import Struct

from inventory.settings import Money
from persistence.shop.orders.records import DisputeState


class Attempt(Struct, frozen=True, kw_only=True):
    """One try to pay an order; its id is the key by which it is asked for again."""

    attempt: str
    order: str
    reference: str
    """What people call the order."""
    amount: int
    currency: str
    description: str
    email: str
    expires_at_ms: int
    """When the provider ends it by itself, had we not asked it to before."""


class Urls(Struct, frozen=True, kw_only=True):
    """Where the buyer goes afterwards, and where the provider tells us of it."""

    success: str
    cancel: str
    webhook: str


class Session(Struct, frozen=True, kw_only=True):
    """An attempt as the provider knows it."""

    ref: str
    url: str
    """Its page, where the buyer pays."""


class RefundAsk(Struct, frozen=True, kw_only=True):
    """Money to give back; `refund` is the key by which it is asked for again."""

    refund: str
    ref: str
    """The payment that it is taken from."""
    amount: int
    currency: str
    reason: str


class _Said(Struct, frozen=True, kw_only=True):
    """What the provider says of a payment of ours, or of one that it takes for ours."""

    ref: str
    """The payment, as the provider calls it."""
    at_ms: int
    event_ref: str = ""
    """The provider's id of the message; empty where this answers what we asked."""


class _OfAttempt(_Said, frozen=True, kw_only=True):
    attempt: str | None = None
    """Ours, as the provider was told it; None where it does not know."""


class Opened(_OfAttempt, frozen=True, kw_only=True, tag="opened"):
    """The buyer may pay it."""


class Processing(_OfAttempt, frozen=True, kw_only=True, tag="processing"):
    """The buyer did what is theirs; the money is not certain yet."""


class Failed(_OfAttempt, frozen=True, kw_only=True, tag="failed"):
    """It came to nothing, with a reason of the provider's in words."""

    reason: str = ""


class Expired(_OfAttempt, frozen=True, kw_only=True, tag="expired"):
    """Its time is over, or we ended it."""


class Captured(_OfAttempt, frozen=True, kw_only=True, tag="captured"):
    """The money is ours: how much, which need not be what was asked for."""

    amount: int
    currency: str


class _OfRefund(_Said, frozen=True, kw_only=True):
    refund: str | None = None
    """Ours, as the provider was told it; None where somebody else asked for it."""
    refund_ref: str
    amount: int
    currency: str
    reason: str = ""


class RefundSettled(_OfRefund, frozen=True, kw_only=True, tag="refund_settled"):
    """The buyer has it back."""


class RefundFailed(_OfRefund, frozen=True, kw_only=True, tag="refund_failed"):
    """The buyer does not get it this way; the money is still with the provider."""


class Disputed(_Said, frozen=True, kw_only=True, tag="disputed"):
    """A bank doubts a payment, or has decided: `lost` is money that went back."""

    dispute_ref: str
    state: DisputeState
    amount: int
    currency: str
    reason: str = ""


AttemptFact = Opened | Processing | Failed | Expired | Captured
RefundFact = RefundSettled | RefundFailed
Fact = AttemptFact | RefundFact | Disputed


class Forged(Exception):
    """A webhook that the provider did not sign, or that cannot be read."""


class Stale(Exception):
    """A webhook that was signed at another time: somebody may be sending it again."""


class ProviderUnavailable(Exception):
    """The provider did not answer, or nothing that can be believed.

    What was asked may have been done: ask the same again, or look.
    """


class PaymentProvider(Protocol):
    """One that takes money for us."""

    name: str

    async def open(self, attempt: Attempt, urls: Urls) -> Session:
        """Begin an attempt; asked again it is the same one. Raises ProviderUnavailable.

        So do all that follow.
        """
        ...

    async def expire(self, ref: str) -> Fact:
        """End an attempt; the answer is what became of it, perhaps `Captured`."""
        ...

    async def refund(self, ask: RefundAsk) -> Fact | None:
        """Give money back; None while it is under way. Asked again it is the same."""
        ...

    async def look(self, ref: str) -> list[Fact]:
        """Return what the provider says now of a payment, its refunds and disputes.

        And the same of any other payment of its attempt: who was charged twice has
        perhaps no other way to be found.
        """
        ...

    async def find(self, attempt: str) -> str | None:
        """Return how the provider calls an attempt of ours; None if it has none."""
        ...

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Fact]:
        """Return what a webhook says. Raises Forged and Stale, and knows no state."""
        ...

    async def trace(self, facts: list[Fact]) -> list[Fact]:
        """Return what `read` returned by the names that payments have here.

        Without those of what nobody here asked for, where the provider can tell. A
        message may name something of the provider's that no order has heard of; the
        provider is asked then, and only then.
        """
        ...

    def refuses(self, price: Money) -> str | None:
        """Say in a sentence why nobody could pay this here; None where they can."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...


PROVIDER: Final = web.AppKey[PaymentProvider | None]("payment provider")
