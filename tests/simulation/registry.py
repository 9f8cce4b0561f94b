"""The table of processes, as one process and its supervisor have it.

Stands for `persistence.processes.Processes`; the clock is the database's.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from persistence import limits
from persistence.errors import Unavailable
from persistence.processes import Process, Terms
from tests.simulation.database import Database
from tests.simulation.journal import SimJournal


class Table:
    """The rows: each living process, and when it last said so."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.rows: dict[str, tuple[Process, float]] = {}

    def join(self, process: Process) -> None:
        self.rows[process.process] = process, self.database.scheduler.now

    def beat(self, name: str, *, leaving: bool) -> list[Process]:
        now = self.database.scheduler.now
        own = self.rows.get(name)
        if own is not None:
            self.rows[name] = replace(own[0], leaving=leaving), now
        return [
            row
            for other, (row, seen_at) in sorted(self.rows.items())
            if other == name or seen_at > now - limits.SEEN_S_MAX
        ]

    def void(self, dead: Callable[[str], bool]) -> list[str]:
        for name in [name for name in self.rows if dead(name)]:
            del self.rows[name]
        return sorted(self.database.void(dead))


class SimProcesses:
    """Implements what the cluster asks of `Processes`."""

    def __init__(self, table: Table, journal: SimJournal) -> None:
        self.silent = False
        """Nothing of what we ask arrives."""
        self._table = table
        self._journal = journal

    async def _call(self, work: Callable[[], Any]) -> Any:
        if self.silent:
            raise Unavailable("no connection")
        database = self._table.database
        return await self._journal.call(
            "", lambda: "no room" if database.full else work(), lock=False
        )

    async def join(self, process: Process, terms: Terms) -> None:
        await self._call(lambda: self._table.join(process))

    async def beat(self, process: str, *, leaving: bool) -> list[Process]:
        found: list[Process] = await self._call(
            lambda: self._table.beat(process, leaving=leaving)
        )
        return found

    async def leave(self, process: str) -> None:
        await self._call(lambda: self._table.rows.pop(process, None))

    async def void_node(self, node: str) -> list[str]:
        found: list[str] = await self._call(
            lambda: self._table.void(lambda name: name.startswith(f"{node}."))
        )
        return found

    async def orphans(self, limit: int) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = await self._call(
            lambda: self._table.database.orphans()[:limit]
        )
        return found
