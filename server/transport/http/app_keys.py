"""What every handler may find in the application, whichever capability it is of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from inventory.ports import Clock
from server.base.instance import Instance
from server.base.jobs import Job
from server.base.metrics import Metrics
from server.base.networks import Network
from server.base.settings import Config

Probe = Callable[[], Mapping[str, object]]
"""Tells how one part is; its `status` is ok, off, degraded or down."""


@dataclass(slots=True)
class Readiness:
    """Whether clients may come, and how each part of the server is."""

    ready: bool = False
    """False before the start is done and from the first moment of the end."""
    parts: dict[str, Probe] = field(default_factory=dict)
    hindrances: list[Callable[[], str | None]] = field(default_factory=list)
    """Each tells in a sentence why clients are to go elsewhere, or None."""
    jobs: dict[str, Job] = field(default_factory=dict)


SETTINGS: Final = web.AppKey("settings", Config)
INSTANCE: Final = web.AppKey("instance", Instance)
READINESS: Final = web.AppKey("readiness", Readiness)
METRICS: Final = web.AppKey("metrics", Metrics)
TRUSTED_PROXIES: Final[web.AppKey[Sequence[Network]]] = web.AppKey("trusted proxies")
CLOCK: Final[web.AppKey[Clock]] = web.AppKey("clock")
"""The database's time."""
