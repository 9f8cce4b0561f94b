"""Looks at this process, and tells the others when they ask."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from server.base.instance import Instance
from server.base.metrics import Metrics
from server.ops.health.condition import Condition
from server.ops.health.database_probe import DatabaseProbe
from server.ops.health.exposition import encode_families
from server.ops.health.machine import CpuUse, Disk, fullest, memory_bytes
from server.transport.bus.questions import Questions
from server.transport.http.app_keys import Readiness

CONDITION: Final = "condition"
METRICS_ABOUT: Final = "metrics"
"""What the processes ask each other about."""

MARK_EVERY_S: Final = 2.0

OWN_DATABASE_S_MAX: Final = 180.0
"""Longer than our Postgres may take to recover from a crash, which a start anew would
only make it begin again with."""

_encode = msgspec.msgpack.Encoder().encode


class Observer:
    """Knows how this process is."""

    def __init__(
        self,
        instance: Instance,
        folders: Sequence[str],
        readiness: Readiness,
        metrics: Metrics,
        probe: DatabaseProbe,
    ) -> None:
        self._instance = instance
        self._folders = folders
        self._readiness = readiness
        self._metrics = metrics
        self._probe = probe
        self._cpu = CpuUse()

    @property
    def ready(self) -> bool:
        """Return whether clients may be sent to this process."""
        return self.hindrance is None

    @property
    def hindrance(self) -> str | None:
        """Return in a sentence why clients are not to be sent here, or None."""
        if not self._readiness.ready:
            return "It starts or stops."
        if self._probe.status == "down":
            return f"The database has not answered for {self._probe.silent_s:.0f} s."
        for tell in self._readiness.hindrances:
            told = tell()
            if told is not None:
                return told
        return None

    @property
    def ailment(self) -> str | None:
        """Return in a sentence why this server is to be started anew, or None.

        A database of somebody else's is no reason: nothing here brings it back. Ours is
        started again by who started it, and where that ends without it, so do we: what
        is silent for longer than that takes is a reason.
        """
        silent_s = self._probe.silent_s
        if not self._instance.own_database or silent_s < OWN_DATABASE_S_MAX:
            return None
        return f"The database of this server has not answered for {silent_s:.0f} s."

    def condition(self) -> Condition:
        """Return how this process is."""
        parts = self._readiness.parts
        return Condition(
            process=self._instance.process,
            node=self._instance.node,
            ready=self.ready,
            queue_depth=self._read("onsale_mailbox_depth"),
            activity_waiting=self._read("onsale_activity_waiting"),
            connections=self._read("onsale_tcp_connections"),
            websockets=self._read("onsale_connections"),
            memory_bytes=memory_bytes(),
            cpu_seconds=round(time.process_time(), 3),
            cpu_cores=round(self._cpu.cores(), 3),
            disk=self.disk(),
            jobs={name: job.state for name, job in self._readiness.jobs.items()},
            parts={name: dict(probe()) for name, probe in parts.items()},
        )

    def disk(self) -> Disk:
        """Return what is left on that disk of ours which is full first."""
        return fullest(self._folders)

    def _read(self, name: str) -> int:
        return int(self._metrics.read(name))

    def answer(self, questions: Questions) -> None:
        """Tell the others when they ask."""
        questions.answer(CONDITION, lambda: _encode(self.condition()))
        questions.answer(
            METRICS_ABOUT, lambda: encode_families(self._metrics.registry.collect())
        )

    async def run(self) -> None:
        """Watch how busy this process is, for ever."""
        while True:
            await asyncio.sleep(MARK_EVERY_S)
            self._cpu.mark()


OBSERVER: Final = web.AppKey("observer", Observer)
