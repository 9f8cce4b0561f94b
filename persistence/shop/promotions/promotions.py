"""Promotions and their codes: made, edited, listed, found by the hash of a code."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.errors import Revisions, Stale, TooMany
from persistence.postgres.pool import CheckViolation, Pool, Row
from persistence.shop.promotions.discounts import Discount

PROMOTIONS_MAX: Final = 200
"""Promotions of one event."""

CODES_MAX: Final = 100_000
"""Codes of one promotion."""

SEED_BYTES: Final = 32

_FIND_SEED: Final = "SELECT seed FROM promotion_key"
# Several servers may start on one database at once: the first one's seed wins.
_FIRST_SEED: Final = """
INSERT INTO promotion_key (number, seed) VALUES (1, $1) ON CONFLICT DO NOTHING
"""
_FIELDS: Final = """
p.promotion_id, p.event_id, p.name, p.active, p.ppm, p.amount, p.minimum, p.currency,
p.categories, p.types, p.starts_at, p.ends_at, p.uses_max, p.per_user, p.stacks,
p.taken, p.request_hash, p.created_at, p.revision
"""
_COUNTS: Final = """
(SELECT count(*) FROM redemption r
    WHERE r.promotion_id = p.promotion_id AND r.state = 'used') AS used,
(SELECT count(*) FROM promotion_code c
    WHERE c.promotion_id = p.promotion_id) AS codes
"""
_LIST: Final = f"""
SELECT {_FIELDS}, {_COUNTS} FROM promotion p WHERE p.event_id = $1
ORDER BY p.created_at, p.promotion_id
"""
_FIND: Final = f"""
SELECT {_FIELDS}, {_COUNTS} FROM promotion p
WHERE p.event_id = $1 AND p.promotion_id = $2
"""
_CREATE: Final = f"""
INSERT INTO promotion AS p (event_id, promotion_id, name, active, ppm, amount, minimum,
    currency, categories, types, starts_at, ends_at, uses_max, per_user, stacks,
    created_by, request_hash)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
WHERE (SELECT count(*) FROM promotion WHERE event_id = $1) < {PROMOTIONS_MAX}
ON CONFLICT DO NOTHING
RETURNING {_FIELDS}, 0::bigint AS used, 0::bigint AS codes
"""
_EDIT: Final = f"""
UPDATE promotion p SET
    name = CASE WHEN 'name' = ANY ($9::text[]) THEN $3 ELSE name END,
    active = CASE WHEN 'active' = ANY ($9) THEN $4 ELSE active END,
    starts_at = CASE WHEN 'starts_at' = ANY ($9) THEN $5 ELSE starts_at END,
    ends_at = CASE WHEN 'ends_at' = ANY ($9) THEN $6 ELSE ends_at END,
    uses_max = CASE WHEN 'uses_max' = ANY ($9) THEN $7 ELSE uses_max END,
    per_user = CASE WHEN 'per_user' = ANY ($9) THEN $8 ELSE per_user END
WHERE event_id = $1 AND promotion_id = $2
    AND ($10::bigint[] IS NULL OR revision = ANY ($10))
RETURNING {_FIELDS}, {_COUNTS}
"""
# What was redeemed is kept, with what it was redeemed of.
_DELETE: Final = """
DELETE FROM promotion p WHERE p.event_id = $1 AND p.promotion_id = $2
    AND ($3::bigint[] IS NULL OR p.revision = ANY ($3))
    AND NOT EXISTS (
        SELECT FROM redemption r WHERE r.promotion_id = p.promotion_id)
RETURNING true
"""
_LOCK: Final = "SELECT FROM promotion WHERE promotion_id = $1 FOR NO KEY UPDATE"
_COUNT_CODES: Final = "SELECT count(*) FROM promotion_code WHERE promotion_id = $1"
_ADD_CODES: Final = """
INSERT INTO promotion_code (event_id, hash, promotion_id, uses_max, label)
SELECT $1, c, $2, $3, $5 FROM unnest($4::bytea[]) AS c
ON CONFLICT DO NOTHING
RETURNING hash
"""
_MINE: Final = """
SELECT count(*) FROM promotion_code
WHERE event_id = $1 AND promotion_id = $2 AND hash = ANY ($4::bytea[])
    AND uses_max IS NOT DISTINCT FROM $3 AND label IS NOT DISTINCT FROM $5
"""
_OF_CODES: Final = f"""
SELECT c.hash, c.uses_max AS code_uses_max, c.taken AS code_taken,
    p.active AND (p.starts_at IS NULL OR p.starts_at <= now())
        AND (p.ends_at IS NULL OR p.ends_at > now()) AS open,
    {_FIELDS}, 0::bigint AS used, 0::bigint AS codes
FROM promotion_code c JOIN promotion p ON p.promotion_id = c.promotion_id
WHERE c.event_id = $1 AND c.hash = ANY ($2::bytea[])
"""


class PromotionRules(Struct, frozen=True, kw_only=True):
    """What a promotion does, for whom, when and how often; times are in UTC."""

    name: str
    active: bool = True
    ppm: int = 0
    amount: int = 0
    minimum: int = 0
    currency: str | None = None
    categories: list[str] | None = None
    types: list[str] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    uses_max: int | None = None
    """By how many orders, over all its codes; None is any number."""
    per_user: int | None = None
    stacks: bool = False


class Promotion(Struct, frozen=True, kw_only=True):
    """A promotion of an event, and how often it was redeemed."""

    promotion_id: str
    event_id: str
    rules: PromotionRules
    taken: int
    """Orders that have it: those that wait to be paid, and those that are confirmed."""
    used: int
    """How many of these are confirmed."""
    codes: int
    request_hash: bytes
    created_at: datetime
    revision: int

    @property
    def discount(self) -> Discount:
        """What it takes off, to be frozen in an order."""
        rules = self.rules
        return Discount(
            promotion=self.promotion_id,
            name=rules.name,
            ppm=rules.ppm,
            amount=rules.amount,
            minimum=rules.minimum,
            currency=rules.currency,
            categories=_tuple(rules.categories),
            types=_tuple(rules.types),
            stacks=rules.stacks,
        )


class FoundCode(Struct, frozen=True):
    """A code of an event, as it was looked at."""

    hash: bytes
    promotion: Promotion
    open: bool
    """Whether its promotion is on now."""
    used_up: bool
    """Whether as many orders have it, or its promotion, as may."""


class Redeemed(Exception):
    """What was to be deleted is what orders were made with."""


class TooFew(Exception):
    """A limit would be less than what orders have already, which is `taken`."""

    def __init__(self, taken: int) -> None:
        super().__init__(f"{taken} are taken")
        self.taken = taken


class CodeTaken(Exception):
    """The event has such a code already."""


class Promotions:
    """Makes, edits and finds promotions. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def seed(self) -> bytes:
        """Return what codes are hashed with; who asks first makes it."""
        row = await self._pool.fetch_one(_FIND_SEED)
        if row is None:
            await self._pool.fetch(_FIRST_SEED, secrets.token_bytes(SEED_BYTES))
            row = await self._pool.fetch_one(_FIND_SEED)
        assert row is not None
        seed: bytes = row["seed"]
        return seed

    async def of_event(self, event: str) -> list[Promotion]:
        """Return the promotions of an event, the oldest first."""
        rows = await self._pool.fetch(_LIST, event)
        return [_promotion(row) for row in rows]

    async def find(self, event: str, promotion: str) -> Promotion | None:
        """Return a promotion of an event."""
        row = await self._pool.fetch_one(_FIND, event, promotion)
        return None if row is None else _promotion(row)

    async def create(
        self,
        event: str,
        promotion: str,
        rules: PromotionRules,
        by: str,
        request_hash: bytes,
    ) -> Promotion:
        """Make one of this id, or return the one that has it. Raises `TooMany`."""
        row = await self._pool.fetch_one(
            _CREATE,
            event,
            promotion,
            *(getattr(rules, name) for name in _COLUMNS),
            by,
            request_hash,
        )
        if row is not None:
            return _promotion(row)
        found = await self.find(event, promotion)
        if found is None:
            raise TooMany(PROMOTIONS_MAX)
        return found

    async def edit(
        self, event: str, promotion: str, given: Mapping[str, Any], seen: Revisions
    ) -> Promotion:
        """Change some of the rules of one that is there. Raises `Stale`, `TooFew`."""
        rules = PromotionRules(**{"name": "", **given})
        edited = (getattr(rules, name) for name in EDITED)
        try:
            row = await self._pool.fetch_one(
                _EDIT, event, promotion, *edited, list(given), seen
            )
        except CheckViolation:
            # Also where somebody redeemed it after it was looked at.
            found = await self.find(event, promotion)
            assert found is not None
            raise TooFew(found.taken) from None
        if row is None:
            raise Stale
        return _promotion(row)

    async def delete(self, event: str, promotion: str, seen: Revisions) -> bool:
        """Delete one with its codes; False where it is gone.

        Raises `Redeemed` where any order was made with it, and `Stale`.
        """
        if await self._pool.fetch_one(_DELETE, event, promotion, seen) is not None:
            return True
        found = await self.find(event, promotion)
        if found is None:
            return False
        if seen is not None and found.revision not in seen:
            raise Stale
        raise Redeemed

    async def add_codes(
        self,
        event: str,
        promotion: str,
        uses_max: int | None,
        hashes: Sequence[bytes],
        label: str | None = None,
    ) -> None:
        """Add codes, all or none; those that the promotion has so already stay.

        Raises `TooMany`, and `CodeTaken` where the event has one of them otherwise.
        """
        given = (event, promotion, uses_max, list(hashes), label)
        async with self._pool.transaction() as connection:
            # Whoever adds more waits, so that there are never more than may be.
            await connection.fetch(_LOCK, promotion)
            mine = await connection.fetchval(_MINE, *given)
            has = await connection.fetchval(_COUNT_CODES, promotion)
            if has + len(hashes) - mine > CODES_MAX:
                raise TooMany(CODES_MAX, has)
            added = await connection.fetch(_ADD_CODES, *given)
            if mine + len(added) != len(hashes) or 0 < mine < len(hashes):
                raise CodeTaken

    async def of_codes(self, event: str, hashes: Sequence[bytes]) -> list[FoundCode]:
        """Return those of these codes that an event has, in no order."""
        rows = await self._pool.fetch(_OF_CODES, event, list(hashes))
        return [_found(row) for row in rows]


EDITED: Final = ("name", "active", "starts_at", "ends_at", "uses_max", "per_user")
"""What of a promotion may be edited: what it takes off is what its codes promise."""

_COLUMNS: Final = (
    *("name", "active", "ppm", "amount", "minimum", "currency", "categories"),
    *("types", "starts_at", "ends_at", "uses_max", "per_user", "stacks"),
)


def _promotion(row: Row) -> Promotion:
    return Promotion(
        promotion_id=row["promotion_id"],
        event_id=row["event_id"],
        rules=PromotionRules(**{name: row[name] for name in _COLUMNS}),
        taken=row["taken"],
        used=row["used"],
        codes=row["codes"],
        request_hash=row["request_hash"],
        created_at=row["created_at"],
        revision=row["revision"],
    )


def _found(row: Row) -> FoundCode:
    promotion = _promotion(row)
    limits = (
        (row["code_uses_max"], row["code_taken"]),
        (promotion.rules.uses_max, promotion.taken),
    )
    used_up = any(most is not None and taken >= most for most, taken in limits)
    return FoundCode(row["hash"], promotion, row["open"], used_up)


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
