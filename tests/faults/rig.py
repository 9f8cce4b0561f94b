"""One Postgres, one proxy, one server and one load: what every fault is done to."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contract.charts import PRICES, area, chart, row
from tests.contract.client import Api, after
from tests.contract.process import REPOSITORY, Server
from tests.faults.database import Database
from tests.faults.ledger import Ledger
from tests.faults.proxy import FaultProxy

Json = dict[str, Any]
FLOW_S_MAX = 60.0
SETTLE_S_MAX = 90.0
SNAPSHOT_FIELDS = ("sent", "ok", "lost", "outcome_unknown", "unavailable")


@dataclass
class Result:
    """What one fault did."""

    kind: str
    number: int
    recovery_s: float | None
    counts: dict[str, int]
    violations: list[str] = field(default_factory=list)
    note: str = ""

    def line(self) -> str:
        counts = " ".join(f"{self.counts[name]:>4} {name}," for name in self.counts)
        recovery = (
            "" if self.recovery_s is None else f" flowing after {self.recovery_s:.2f} s"
        )
        verdict = "ok" if not self.violations else "VIOLATED"
        note = f" ({self.note})" if self.note else ""
        number = f"{self.kind} {self.number}"
        return f"{number:<24} {counts}{recovery}{note}: {verdict}"


class Load:
    """The process with the buyers, spoken to in lines of JSON."""

    def __init__(
        self,
        urls: list[str],
        event: str,
        history: Path,
        buyers: int,
        watchers: int,
    ) -> None:
        self.log = history.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.faults.load"),
                    *(word for url in urls for word in ("--url", url)),
                    *("--event", event, "--history", str(history)),
                    *("--buyers", str(buyers), "--watchers", str(watchers)),
                ],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._read()

    def _read(self) -> Json:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise RuntimeError(f"the load ended: {self.log.read_text()[-2_000:]}")
        told = json.loads(line)
        assert isinstance(told, dict)
        return told

    def tell(self, do: str, **more: object) -> Json:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self.process.stdin.flush()
        return self._read()

    def wait_for_flow(self, since: float, within_s: float = FLOW_S_MAX) -> float | None:
        """Return how long after `since` a command sent after it was accepted."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            first = self.tell("flow", after=since)["first"]
            if first is not None:
                return float(first) - since
            time.sleep(0.01)
        return None

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Rig:
    """Everything a fault needs, and how its aftermath is judged."""

    def __init__(
        self,
        seed: int,
        *,
        buyers: int = 60,
        watchers: int = 4,
        disk_bytes: int | None = None,
        slack: float = 1.0,
    ) -> None:
        """`slack` is how many times longer than promised a recovery may take."""
        self.slack = slack
        self.folder = Path(tempfile.mkdtemp(prefix="onsale-faults-", dir="/var/tmp"))
        self.database = Database(disk_bytes)
        self.seed = seed
        self.buyers, self.watchers = buyers, watchers
        self.stopped: list[tuple[float, float]] = []
        self.keep = False
        self.events = 0
        self.event = ""
        self._load: Load | None = None
        self._ledger: Ledger | None = None
        try:
            self.proxy = FaultProxy(self.database.start(), seed).start()
            self.server = Server(DATABASE_URL=self.proxy.url)
            self.server.start()
            # The buyers come back to the address they know.
            self.server.port = int(self.server.url.rpartition(":")[2])
        except BaseException:
            self.database.remove()
            raise

    @property
    def load(self) -> Load:
        if self._load is None:
            raise RuntimeError("open an event first")
        return self._load

    @property
    def ledger(self) -> Ledger:
        if self._ledger is None:
            raise RuntimeError("open an event first")
        return self._ledger

    def close(self) -> None:
        """End everything; keep what a violation is understood from."""
        try:
            if self._load is not None:
                self._load.end()
            if self.keep:
                self._preserve()
        finally:
            self.server.remove()
            self.proxy.stop()
            self.database.remove()
            if not self.keep:
                shutil.rmtree(self.folder, ignore_errors=True)

    def _preserve(self) -> None:
        (self.folder / "server.base.log").write_text(self.server.log())
        (self.folder / "postgres.log").write_text(self.database.log())
        trace = [f"{at:.4f} {link} {what}" for at, link, what in self.proxy.trace]
        (self.folder / "proxy.trace").write_text("\n".join(trace))
        if self.database.runs:
            dump = self.folder / "journal.txt"
            asyncio.run(_dump(self.database.url, dump))

    # -- Events and their load

    @contextmanager
    def selling(self) -> Iterator[None]:
        """Open an event of its own for the block, and judge all of it at the end."""
        self.events += 1
        self.event = asyncio.run(make_event(self.server))
        history = self.folder / f"history-{self.events}.jsonl"
        self._ledger = Ledger(history, self.database.url, self.event)
        self._load = Load(
            [self.server.url], self.event, history, self.buyers, self.watchers
        )
        try:
            self.load.wait_for_flow(time.monotonic())
            yield
        finally:
            self._load.end()
            self._load = None

    # -- What faults use

    def counts(self) -> Json:
        return self.load.tell("counts")

    def run(self, seconds: float) -> None:
        """Let the sale go on for a while."""
        time.sleep(seconds)

    def kill_and_restart(self) -> float:
        """End the server the hard way; return when it was ready again."""
        began = time.monotonic()
        self.server.kill()
        self.server.start()
        healed = time.monotonic()
        self.stopped.append((began, healed))
        return healed

    @contextmanager
    def frozen_server(self) -> Iterator[None]:
        process = self.server.process
        assert process is not None
        began = time.monotonic()
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)
            self.stopped.append((began, time.monotonic()))

    def judge(
        self,
        kind: str,
        number: int,
        before: Json,
        healed: float,
        within_s: float,
        note: str = "",
    ) -> Result:
        """Wait until commands flow, then check every promise so far."""
        recovery = self.load.wait_for_flow(healed)
        now = self.counts()
        result = Result(
            kind,
            number,
            recovery,
            {name: now.get(name, 0) - before.get(name, 0) for name in SNAPSHOT_FIELDS},
            note=note,
        )
        result.violations += self.ledger.check()
        result.violations += self.ledger.late_answers(self.stopped)
        if recovery is None or recovery > within_s * self.slack:
            result.violations.append(f"no command was accepted within {within_s} s")
        if now.get("silent"):
            result.violations.append(f"{now['silent']} commands were never answered")
        return result

    def settle(self, kind: str, number: int) -> Result:
        """Let every doubt be resolved; then let the witness judge all of it."""
        said = self.load.tell("settle", within_s=SETTLE_S_MAX)
        counts = {name: self.counts().get(name, 0) for name in SNAPSHOT_FIELDS}
        result = Result(f"{kind}: settled", number, None, counts)
        result.violations += said["violations"]
        result.violations += self.ledger.judge()
        lines = len(self.ledger.lines)
        result.note = f"{lines} operations judged by the witness"
        return result


async def make_event(server: Server) -> str:
    """Put an event on sale that is large enough for many faults."""
    rows = [row(f"R{n}", 30, 30.0 + 15 * n) for n in range(1, 11)]
    hall = chart(rows, [area("GA1", 40), area("GA2", 15)])
    async with Api(server) as api:
        body = {"name": "hall", "chart": hall}
        venue = await api.good("POST", "/v1/venues", body, who=api.admin)
        made = await api.good(
            "POST",
            "/v1/events",
            {
                "name": "A night of faults",
                "starts_at": after(days=30),
                "venue": venue["id"],
                "prices": PRICES,
                "max_per_user": 1_000,
            },
            who=api.admin,
        )
        await api.change(made["id"], "publish")
    return str(made["id"])


async def _dump(url: str, path: Path) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT event_id, from_version, to_version, batch_id, epoch, at"
            " FROM journal ORDER BY event_id, to_version"
        )
    finally:
        await connection.close()
    path.write_text("\n".join(" ".join(map(str, row)) for row in rows))
