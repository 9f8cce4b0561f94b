"""What the processes use while a run lasts, looked at four times a second.

CPU of a window is interpolated between two looks, so that nobody has to wake up at its
edges, and the same looks are the curves of the report.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from msgspec import Struct

from bench.plan import Cpu
from bench.samples import Points
from bench.usage import cpu_by_group, machine_seconds, resident_bytes

LOOK_EVERY_S = 0.25
COUNT_EVERY = 4
"""Every so many-th look also asks the server, which costs it a little."""

Count = Callable[[], Awaitable[tuple[float, float]]]
"""Commands and commits so far."""

_now = time.perf_counter


class Look(Struct, frozen=True):
    """CPU seconds of each group up to a moment, and the server's memory."""

    at: float
    cpu: dict[str, float]
    resident: int


class Monitor(AbstractAsyncContextManager["Monitor"]):
    """Looks at groups of processes by itself until it is left."""

    def __init__(self, groups: dict[str, list[int]], count: Count | None) -> None:
        self.looks: list[Look] = []
        self._groups = groups
        self._count = count
        self._counts: list[tuple[float, float, float]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Monitor":
        self._look()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._look()

    async def _run(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._look()
            number += 1
            if self._count is not None and number % COUNT_EVERY == 0:
                self._counts.append((_now(), *await self._count()))

    def _look(self) -> None:
        cpu = cpu_by_group(self._groups) | {"machine": machine_seconds()}
        try:
            resident = sum(resident_bytes(pid) for pid in self._groups["server"])
        except (FileNotFoundError, ProcessLookupError):
            resident = 0  # killed, in a run that does that
        self.looks.append(Look(_now(), cpu, resident))

    def used(self, group: str, begin: float, end: float) -> float:
        """CPU seconds of a group between two moments."""
        return self._at(group, end) - self._at(group, begin)

    def cpu(self, begin: float, end: float) -> Cpu:
        """CPU seconds of all; groups of the generator are named `generator…`."""
        generators = [name for name in self._groups if name.startswith("generator")]
        return Cpu(
            server=self.used("server", begin, end),
            store=self.used("store", begin, end),
            generator=sum(self.used(name, begin, end) for name in generators),
            machine=self.used("machine", begin, end),
        )

    def busiest(self, begin: float, end: float) -> float:
        """How much of one core the busiest process of the generator used."""
        if end <= begin:
            return 0.0
        names = [name for name in self._groups if name.startswith("generator")]
        used = [self.used(name, begin, end) for name in names]
        return max(used, default=0.0) / (end - begin)

    def cpu_curves(self, begin: float) -> dict[str, Points]:
        """Cores in use, by group."""
        found: dict[str, Points] = {}
        for name in (*self._groups, "machine"):
            found[name] = [
                (b.at - begin, (b.cpu[name] - a.cpu[name]) / (b.at - a.at))
                for a, b in zip(self.looks, self.looks[1:], strict=False)
                if b.at - a.at > LOOK_EVERY_S / 2
            ]
        return found

    def memory_curve(self, begin: float) -> Points:
        """MiB of the server."""
        return [(look.at - begin, look.resident / 2**20) for look in self.looks]

    def batch_curve(self, begin: float) -> Points:
        """Commands per commit."""
        return [
            (b[0] - begin, (b[1] - a[1]) / (b[2] - a[2]))
            for a, b in zip(self._counts, self._counts[1:], strict=False)
            if b[2] > a[2]
        ]

    def _at(self, group: str, moment: float) -> float:
        place = bisect_left(self.looks, moment, key=lambda look: look.at)
        place = min(max(place, 1), len(self.looks) - 1)
        a, b = self.looks[place - 1], self.looks[place]
        share = (moment - a.at) / (b.at - a.at) if b.at > a.at else 0.0
        share = min(max(share, 0.0), 1.0)
        return a.cpu[group] + (b.cpu[group] - a.cpu[group]) * share
