"""What the catalogue tells of an event: written beside the journal, never by it.

An edit under a key is made once: the key is stored with it, and whoever comes again
with it finds out whether it is the same edit.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory import limits
from inventory.names import NAME_PATTERN
from persistence.errors import Revisions, Stale
from persistence.postgres.pool import Pool

# Commands have their keys elsewhere; a key is for one request all the same.
_FIND_KEY = """
SELECT request_hash, true AS made FROM event_edit
WHERE event_id = $1 AND user_id = $2 AND key = $3
UNION ALL
SELECT request_hash, false FROM command_result
WHERE event_id = $1 AND user_id = $2 AND key = $3
ORDER BY made DESC LIMIT 1
"""
REVISION: Final = "details_revision + coalesce((settings ->> 'revision')::bigint, 0)"
"""Of an event, as the revision of its row."""

# The row is locked as it is found: of two who have seen the same one comes first, and
# the other finds what that one left.
_EDIT = f"""
WITH seen AS (
    SELECT event_id FROM event
    WHERE event_id = $1 AND ($11::bigint[] IS NULL OR {REVISION} = ANY($11))
        AND ($12::bigint IS NULL OR details_revision = $12)
    FOR NO KEY UPDATE
), once AS (
    INSERT INTO event_edit (event_id, user_id, key, request_hash)
    SELECT $1, $2, $3::text, $4::bytea FROM seen WHERE $3 IS NOT NULL
    ON CONFLICT (event_id, user_id, key) DO NOTHING
    RETURNING 1
), made AS (
    UPDATE event e SET
        description = CASE WHEN $5::boolean THEN $6::text ELSE description END,
        category = CASE WHEN $7::boolean THEN $8::text ELSE category END,
        tags = CASE WHEN $9::boolean THEN $10::text[] ELSE tags END,
        fees = coalesce($13::jsonb, fees),
        tax = coalesce($14::jsonb, tax),
        late = coalesce($15, late)
    FROM seen
    WHERE e.event_id = seen.event_id AND ($3 IS NULL OR EXISTS (SELECT FROM once))
)
SELECT FROM seen
"""

NO_HASH: Final = b""


PPM_MAX: Final = 1_000_000
"""Parts per million: all of it."""

Amount = Annotated[int, Meta(ge=0, le=limits.PRICE_MAX)]
Ppm = Annotated[int, Meta(ge=0, le=PPM_MAX)]
TaxName = Annotated[str, Meta(min_length=1, max_length=50, pattern=NAME_PATTERN)]


class Fees(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked beside the prices, in the minor unit of the event's currency.

    What costs nothing has no fee.
    """

    per_order: Amount = 0
    per_ticket: Amount = 0
    percent_ppm: Ppm = 0
    """Of what a place costs after its discount."""
    paid_by: Literal["buyer", "seller"] = "buyer"
    """A seller's are inside the prices: no line of an order shows them."""
    returns: bool = True
    """Whether the fee of a place is given back with it."""


class Tax(Struct, frozen=True, forbid_unknown_fields=True):
    """The tax on all that is sold, at one rate."""

    ppm: Ppm = 0
    included: bool = True
    """Whether prices and fees have it inside; else it is added to them."""
    name: TaxName = "Tax"
    """What buyers read: `VAT 19 %`."""


Late = Literal["same", "refund"]
"""What becomes of money that comes after the pay time: the same seats where they are
all free, or all of it goes back."""

NO_FEES: Final = Fees()
NO_TAX: Final = Tax()


class DetailsChange(Struct, frozen=True, kw_only=True):
    """What to change; what is absent stays."""

    description: str | UnsetType = UNSET
    category: str | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    fees: Fees | UnsetType = UNSET
    tax: Tax | UnsetType = UNSET
    late: Late | UnsetType = UNSET


class UsedKey(Struct, frozen=True):
    """A key of a request that came before; `made` tells that its edit was made."""

    request_hash: bytes
    made: bool


class EventDetails:
    """Writes what the catalogue tells of events. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find_key(self, event: str, user: str, key: str) -> UsedKey | None:
        """Return what a key was used for, if for anything."""
        row = await self._pool.fetch_one(_FIND_KEY, event, user, key)
        return None if row is None else UsedKey(row["request_hash"], row["made"])

    async def edit(
        self,
        event: str,
        change: DetailsChange,
        *,
        user: str,
        key: str | None = None,
        request_hash: bytes = NO_HASH,
        seen: Revisions = None,
        seen_details: int | None = None,
    ) -> None:
        """Make the change, but not a second time under its key.

        Raises `Stale` where the event's revision is none that was `seen`, or the one
        of its details not this.
        """
        values: list[Any] = []
        for value, nothing in (
            (change.description, ""),
            (change.category, None),
            (change.tags, ()),
        ):
            given = value is not UNSET
            shown = value if given else nothing
            values += (given, list(shown) if isinstance(shown, tuple) else shown)
        values += (seen, seen_details, _json(change.fees), _json(change.tax))
        values.append(None if change.late is UNSET else change.late)
        row = await self._pool.fetch_one(_EDIT, event, user, key, request_hash, *values)
        if row is None and not (seen is None and seen_details is None):
            raise Stale


def _json(value: Fees | Tax | UnsetType) -> str | None:
    return None if value is UNSET else msgspec.json.encode(value).decode()
