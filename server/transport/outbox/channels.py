"""The channels by which something leaves us, each with rows in an outbox of its own."""

from typing import Final, Protocol

from aiohttp import web

from persistence.mail import OutboxRow, OutboxState

MAIL: Final = "mail"
HOOK: Final = "hook"


class Channel(Protocol):
    """One outbox: lists its rows, and lets dead ones be due again."""

    async def list_rows(
        self, state: OutboxState | None, *, limit: int, cursor: str | None
    ) -> tuple[list[OutboxRow], str | None]:
        """Return a page of rows, the newest first. Raises `BadCursor`."""

    async def count_rows(self, state: OutboxState | None) -> int:
        """Return how many rows there are, of all or of one state."""

    async def replay(self, row: str) -> OutboxRow | None:
        """Let a dead row be due again; return it as it is now, None without one.

        Others are left as they are.
        """


CHANNELS: Final = web.AppKey("channels", dict[str, Channel])
"""By name; capabilities add theirs as they open."""
