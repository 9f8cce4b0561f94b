"""Reserves what the codes of an order redeem, in the transaction that makes the order.

What becomes of a redemption follows the status of its order: a trigger of that row sees
to it, whoever writes it. So `taken` of a promotion, which is what its limit is compared
with, counts what is reserved or used at any time.
"""

from typing import Any, Final

from msgspec import Struct

_RESERVE: Final = "SELECT reserve_codes($1, $2, $3, $4, $5::bytea[]) AS refused"


class Redeems(Struct, frozen=True):
    """The codes of an order, and who is told from others by a limit per user."""

    hashes: tuple[bytes, ...]
    who: bytes | None
    """The hash of the buyer's address; None where that is not known."""


class CodeRefused(Exception):
    """A code cannot be redeemed, though it could when it was looked at."""

    def __init__(self, used_up: bool) -> None:
        super().__init__("used up" if used_up else "over")
        self.used_up = used_up


# asyncpg ships no types, hence Any for its connection.
async def reserve_codes(
    connection: Any, order: str, event: str, user: str, redeems: Redeems
) -> None:
    """Reserve for a new order what its codes redeem, or raise `CodeRefused`."""
    refused = await connection.fetchval(
        _RESERVE, order, event, user, redeems.who, list(redeems.hashes)
    )
    if refused is not None:
        raise CodeRefused(used_up=refused == "code_used_up")
