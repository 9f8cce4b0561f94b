"""What is posted when money moves: pure, from facts to entries.

| what happens | entries |
|---|---|
| a payment is captured | provider + due - |
| the order is confirmed | due + sales - fees - tax - |
| lines are given back | sales + fees + tax + due - |
| a goodwill is granted | sales + due - |
| a refund settles, a dispute is lost | due + provider - |
| a settled refund fails after all | provider + due - |

So what was captured and is not an order's stands on `due` until it has gone back: a
surplus, a late or a rejected payment needs no posting of its own. What a seller pays of
the fees is taken from `sales`; tax that is inside of a price, too.
"""

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from persistence.shop.money.entries import ACCOUNTS, Account, Entry

Amounts = dict[Account, int]


class Priced(Protocol):
    """What the books know of a line: of an order that is priced, or of a stored one."""

    @property
    def gross(self) -> int:
        """What its buyer pays."""

    @property
    def fee(self) -> int:
        """What of that is a fee."""

    @property
    def tax(self) -> int:
        """What of that is tax."""

    @property
    def seller_fee(self) -> int:
        """What its seller pays of it as a fee."""


class Posting(Struct, frozen=True):
    """Entries that sum to 0, and the name under which an order has them once."""

    name: str
    entries: list[Entry]


class Books(Struct, frozen=True):
    """What an order, or all of them in one currency, took and owes."""

    captured: int
    returned: int
    """What has gone back: settled, not only asked for."""
    live: int
    """The gross of its live lines, once a payment is accepted; 0 before."""
    pending: int
    """Refunds that were asked for and are not settled."""

    @property
    def rest(self) -> int:
        """What is owed beyond all that: 0 at rest, unless an alarm says why."""
        return self.captured - self.returned - self.live - self.pending


def capture(payment: str, amount: int, currency: str) -> Posting:
    """Post what a payment brought, whatever becomes of it."""
    _require(amount > 0, "a capture brings something")
    return _posting(
        f"capture:{payment}", currency, {"provider": amount, "due": -amount}
    )


def confirm(lines: Iterable[Priced], currency: str) -> Posting:
    """Post that an order has its seats: what was owed is earned."""
    return _posting("confirm", currency, _earned(lines, returns=True))


def give_back(
    about: str,
    lines: Iterable[Priced],
    currency: str,
    *,
    returns: bool,
    allowed: int = 0,
) -> Posting:
    """Post that lines of a confirmed order are given back: what they cost is owed.

    `about` is the order or the part of it that goes. `returns` is what the order's
    terms say of fees: where they do not return, the seller has paid its own for good.
    What was allowed of the lines before is owed already.
    """
    earned = _earned(lines, returns)
    earned["due"] -= allowed
    earned["sales"] += allowed
    back: Amounts = {account: -amount for account, amount in earned.items()}
    return _posting(f"back:{about}", currency, back)


def allow(refund: str, amount: int, currency: str) -> Posting:
    """Post that a part of what lines cost is owed, though their buyer keeps them."""
    _require(amount > 0, "a goodwill is something")
    return _posting(f"allow:{refund}", currency, {"sales": amount, "due": -amount})


def settle(refund: str, amount: int, currency: str) -> Posting:
    """Post that a refund has left the provider."""
    return _gone(f"settled:{refund}", amount, currency)


def undo(refund: str, amount: int, currency: str) -> Posting:
    """Post that a refund came back to the provider after it had settled."""
    _require(amount > 0, "what comes back is something")
    amounts: Amounts = {"provider": amount, "due": -amount}
    return _posting(f"undone:{refund}", currency, amounts)


def take_outside(reference: str, amount: int, currency: str) -> Posting:
    """Post a refund that was made at the provider without us."""
    return _gone(f"outside:{reference}", amount, currency)


def lose_dispute(reference: str, amount: int, currency: str) -> Posting:
    """Post what the buyer's bank took back."""
    return _gone(f"lost:{reference}", amount, currency)


def _gone(name: str, amount: int, currency: str) -> Posting:
    _require(amount > 0, "what goes back is something")
    return _posting(name, currency, {"due": amount, "provider": -amount})


def _earned(lines: Iterable[Priced], returns: bool) -> Amounts:
    due = sales = fees = tax = 0
    for line in lines:
        borne = line.seller_fee if returns else 0
        due += line.gross
        fees -= line.fee + borne
        tax -= line.tax
        sales -= line.gross - line.fee - line.tax - borne
    return {"due": due, "sales": sales, "fees": fees, "tax": tax}


def _posting(name: str, currency: str, amounts: Amounts) -> Posting:
    found = [(account, amounts.get(account, 0)) for account in ACCOUNTS]
    entries = [Entry(account, amount, currency) for account, amount in found if amount]
    return Posting(name, entries)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
