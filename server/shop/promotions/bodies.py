"""What is sent and answered about promotions and their codes."""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.faults import Faults
from inventory.settings import Money
from inventory.zones import YEARS, is_kept
from persistence.shop.promotions.promotions import Promotion, PromotionRules
from server.shop.promotions.codes import plain
from server.transport.rest.bodies import Body
from server.transport.rest.fields import Name
from server.transport.rest.times import Time, to_ms

CODE_LENGTH_MAX: Final = 64
CODE_LENGTH_MIN: Final = 3
NAMES_MAX: Final = 100
COUNT_MAX: Final = 1_000
"""Codes of one call."""

USES_MAX: Final = 1_000_000_000
MILLION: Final = 1_000_000

Key = Annotated[str, Meta(min_length=1, max_length=200)]
Keys = Annotated[list[Key], Meta(min_length=1, max_length=NAMES_MAX)]
Limit = Annotated[int, Meta(ge=1, le=USES_MAX)]
Ppm = Annotated[int, Meta(ge=1, le=MILLION)]

WHAT: Final = "Give exactly one of percent_ppm and amount."
NO_AMOUNT: Final = "More than nothing."
ENDS_FIRST: Final = "It ends after it starts."


class PromotionCreate(Body):
    """A new promotion: `percent_ppm` is parts per million, 100,000 being 10 %.

    A percentage is of each place that it is for; an `amount` is off all of them
    together. `limit` is over all codes, `per_user` for each buyer, told by the account
    and the address; both count orders. Null is no such limit.
    """

    name: Name
    percent_ppm: Ppm | None = None
    amount: Money | None = None
    categories: Keys | None = None
    """Whose places it is for; null is all."""
    types: Keys | None = None
    """What places have to be sold as; null is anything."""
    minimum: Money | None = None
    """What the places that it is for cost together at least."""
    starts_at: Time | None = None
    ends_at: Time | None = None
    limit: Limit | None = None
    per_user: Limit | None = None
    stacks: bool = False
    """Whether others that say so, too, may be redeemed with it."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the fields together."""
        amount, minimum = self.amount, self.minimum
        if (self.percent_ppm is None) == (amount is None):
            faults.add("percent_ppm", WHAT)
        if isinstance(amount, Money) and amount.amount < 1:
            faults.add("amount.amount", NO_AMOUNT)
        told = {one.currency for one in (amount, minimum) if isinstance(one, Money)}
        if len(told) > 1:
            faults.add("minimum.currency", "Both are in one currency.")
        check_times(faults, self.starts_at, self.ends_at)

    @property
    def rules(self) -> PromotionRules:
        """The same as it is stored."""
        amount, minimum = self.amount, self.minimum
        told = amount or (minimum if minimum is not None and minimum.amount else None)
        return PromotionRules(
            name=self.name,
            ppm=self.percent_ppm or 0,
            amount=0 if amount is None else amount.amount,
            minimum=0 if minimum is None else minimum.amount,
            currency=None if told is None else told.currency,
            categories=self.categories,
            types=self.types,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            uses_max=self.limit,
            per_user=self.per_user,
            stacks=self.stacks,
        )


class PromotionPatch(Body):
    """What to change; what is absent stays. What a code takes off does not change."""

    name: Name | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    starts_at: Time | UnsetType | None = UNSET
    ends_at: Time | UnsetType | None = UNSET
    limit: Limit | UnsetType | None = UNSET
    per_user: Limit | UnsetType | None = UNSET

    def check(self, faults: Faults) -> None:
        """Add what is wrong with its times."""
        check_times(faults, self.starts_at, self.ends_at)


class CodesCreate(Body):
    """Codes to be added: `count` new ones, or one that somebody thought of.

    Blanks, hyphens and small letters make no difference.
    """

    count: Annotated[int, Meta(ge=1, le=COUNT_MAX)] | None = None
    code: Annotated[str, Meta(max_length=CODE_LENGTH_MAX)] | None = None
    uses: Limit | UnsetType | None = UNSET
    """How many orders may be made with each; null is any number. Once where there are
    several, any number for one that somebody thought of."""
    label: Name | None = None
    """What numbers of codes show beside them; the codes themselves they cannot."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the fields together."""
        if (self.count is None) == (self.code is None):
            faults.add("count", "Give exactly one of count and code.")
        elif self.code is not None:
            found = plain(self.code)
            if len(found) < CODE_LENGTH_MIN or not found.isalnum():
                faults.add("code", f"At least {CODE_LENGTH_MIN} letters or digits.")


class PromotionDocument(Struct, kw_only=True):
    """A promotion, and how often it was redeemed."""

    id: str
    event: str
    name: str
    active: bool
    percent_ppm: int | None
    amount: Money | None
    categories: list[str] | None
    types: list[str] | None
    minimum: Money | None
    starts_at: datetime | None
    ends_at: datetime | None
    limit: int | None
    per_user: int | None
    stacks: bool
    reserved: int
    """Orders that have it and are not confirmed yet."""
    used: int
    """Orders that are confirmed with it."""
    codes: int
    """How many codes it has."""
    created_at: datetime


class PromotionsDocument(Struct):
    """All promotions of an event, the oldest first."""

    items: list[PromotionDocument]


class CodesDocument(Struct):
    """Codes that were added: nobody is shown them again."""

    promotion: str
    codes: list[str]
    ids: list[str]
    """What numbers call them, in the same order."""


class CodeCheck(Struct, forbid_unknown_fields=True):
    """A code that somebody has."""

    code: Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH_MAX)]


class CodeDocument(Struct, kw_only=True):
    """What a code would do as of now; nothing is reserved by it."""

    event: str
    promotion: str
    name: str
    kind: Literal["percent", "amount"]
    percent_ppm: int | None
    amount: Money | None
    categories: list[str] | None
    types: list[str] | None
    minimum: Money | None
    ends_at: datetime | None
    stacks: bool


def check_times(faults: Faults, starts: object, ends: object) -> None:
    """Add times that cannot be stored, or are the wrong way round."""
    for field, time in (("starts_at", starts), ("ends_at", ends)):
        if isinstance(time, datetime) and not is_kept(to_ms(time)):
            faults.add(field, YEARS)
    if isinstance(starts, datetime) and isinstance(ends, datetime) and ends <= starts:
        faults.add("ends_at", ENDS_FIRST)


def document_of(one: Promotion) -> PromotionDocument:
    """Return a promotion as those who manage the event see it."""
    rules = one.rules
    return PromotionDocument(
        id=one.promotion_id,
        event=one.event_id,
        name=rules.name,
        active=rules.active,
        percent_ppm=rules.ppm or None,
        amount=_money(rules.amount, rules.currency),
        categories=rules.categories,
        types=rules.types,
        minimum=_money(rules.minimum, rules.currency),
        starts_at=rules.starts_at,
        ends_at=rules.ends_at,
        limit=rules.uses_max,
        per_user=rules.per_user,
        stacks=rules.stacks,
        reserved=one.taken - one.used,
        used=one.used,
        codes=one.codes,
        created_at=one.created_at,
    )


def code_of(one: Promotion) -> CodeDocument:
    """Return what a code does as buyers see it."""
    rules = one.rules
    return CodeDocument(
        event=one.event_id,
        promotion=one.promotion_id,
        name=rules.name,
        kind="percent" if rules.ppm else "amount",
        percent_ppm=rules.ppm or None,
        amount=_money(rules.amount, rules.currency),
        categories=rules.categories,
        types=rules.types,
        minimum=_money(rules.minimum, rules.currency),
        ends_at=rules.ends_at,
        stacks=rules.stacks,
    )


def _money(amount: int, currency: str | None) -> Money | None:
    return Money(amount, currency) if amount and currency is not None else None
