"""A busy sale over several processes, judged when it is over.

Buyers and watchers stand in a process of their own and come back to any of the
processes; their history is held against the journal by the witness.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from tests.cluster.processes.clusters import Cluster
from tests.faults.ledger import Ledger
from tests.faults.rig import FLOW_S_MAX, SETTLE_S_MAX, Load, make_event

Json = dict[str, Any]
BUYERS = 10
WATCHERS = 3
EXPLAINED = {
    "ok",
    "sent",
    "lost",
    "slowest_s",
    # Of the rules: who trades at random asks for much that he cannot have.
    "seat_not_free",
    "seat_not_found",
    "not_enough_seats",
    "hold_not_found",
    "hold_expired",
    "extend_limit",
    "booking_not_found",
    "user_limit",
    "too_many_seats",
    # To be asked again.
    "unavailable",
    "outcome_unknown",
    "overloaded",
}


class Sale:
    """One event on sale, and all that was asked and told of it."""

    def __init__(
        self, cluster: Cluster, event: str, folder: Path, buyers: int, watchers: int
    ) -> None:
        self.cluster = cluster
        self.event = event
        self.folder = folder
        history = folder / "history.jsonl"
        self.ledger = Ledger(history, cluster.database_url, event)
        self.load = Load(cluster.urls, event, history, buyers, watchers)
        self.stopped: list[tuple[float, float]] = []

    def counts(self) -> Json:
        """Count what buyers asked and were told, by op or code."""
        return self.load.tell("counts")

    def accepted(self) -> int:
        """Count what buyers know to have happened."""
        return int(self.counts().get("ok", 0))

    def flows(self, since: float, within_s: float = FLOW_S_MAX) -> float:
        """Return how long after `since` a command sent after it was accepted."""
        took = self.load.wait_for_flow(since, within_s)
        assert took is not None, f"nothing was accepted within {within_s} s"
        return took

    def run(self, seconds: float) -> None:
        """Let it go on for a while."""
        time.sleep(seconds)

    def settle(self) -> Json:
        """Let every doubt be resolved and find nothing wrong; return the counts."""
        found = self.judge()
        assert not found, (found[:8], str(self.folder))
        return self.counts()

    def judge(self) -> list[str]:
        """Let every doubt be resolved; return what is wrong in all that was seen."""
        said = self.load.tell("settle", within_s=SETTLE_S_MAX)
        found: list[str] = said["violations"] + self.ledger.judge()
        found += self.ledger.late_answers(self.stopped)
        found += asyncio.run(self._compare_with_journal())
        unexplained = self.counts().keys() - EXPLAINED
        return found + [f"a buyer was told {code}" for code in sorted(unexplained)]

    async def _compare_with_journal(self) -> list[str]:
        """Hold what each process says against the journal's last version."""
        connection = await asyncpg.connect(self.cluster.database_url)
        try:
            sql = "SELECT max(to_version) FROM journal WHERE event_id = $1"
            last = await connection.fetchval(sql, self.event)
        finally:
            await connection.close()
        found = []
        for url in self.cluster.live_urls():
            async with self.cluster.api(url) as api:
                version = (await api.availability(self.event))["version"]
            # A hold may have run out since.
            if version < last:
                found.append(f"{url} is at {version}, the journal at {last}")
        return found


@contextmanager
def selling(
    cluster: Cluster, *, buyers: int = BUYERS, watchers: int = WATCHERS
) -> Iterator[Sale]:
    """Sell an event of its own; what was seen is kept where a test fails."""
    folder = Path(tempfile.mkdtemp(prefix="onsale-sale-", dir="/var/tmp"))
    event = asyncio.run(make_event(cluster.home))
    sale = Sale(cluster, event, folder, buyers, watchers)
    try:
        sale.flows(time.monotonic())
        yield sale
    finally:
        sale.load.end()
    shutil.rmtree(folder, ignore_errors=True)
