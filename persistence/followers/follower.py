"""What a follower is: whoever does something because of what an event's journal says.

Effects and how far they are made are one transaction, so each change has its effect
once, whoever dies in the middle.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from inventory.changes import AnyChange


class Followed(Struct, frozen=True):
    """One change of an event's journal, the version that it made, and when."""

    version: int
    at_ms: int
    """When it was committed, by the database's clock: Unix milliseconds."""
    change: AnyChange


class Follower(Protocol):
    """Does something because of changes, once for each, in the order of versions."""

    @property
    def name(self) -> str:
        """Whose cursors these are: it may never change, and tells it from others."""

    async def follow(
        self, connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> None:
        """Write the effects of some changes, all with this connection.

        They are all changes from where the last call ended, at least one, but for those
        of commits with none of the kinds that it was added for. The one transaction is
        the caller's, who notes in it how far that came: it may neither be ended here,
        nor an error of it be caught. An error that is raised undoes all
        of it; the same changes come again later, perhaps with more behind them.
        """
