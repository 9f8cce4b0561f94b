"""What handlers work with, put together once by `server.app`."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from inventory.ports import Journal
from persistence.analytics.analytics import Analytics
from persistence.events.bookings import Bookings
from persistence.events.catalog import Catalog
from persistence.mail import Outbox
from persistence.people.accounts import Accounts
from persistence.people.activity import ActivityLog
from persistence.people.sessions import Sessions
from persistence.people.users import Users
from persistence.processes import Processes
from server.base.metrics import Metrics
from server.base.settings import Config
from server.events.analytics.job import Counter
from server.events.attendees.service import Registrar
from server.events.audit.receipts import PublicKey
from server.events.catalogue.row_cache import EventRows
from server.events.images.keeper import ImageKeeper
from server.events.images.open import open_images
from server.events.venues.map_cache import Maps
from server.live.actors.registry import Shards
from server.live.cluster.members import Members
from server.live.cluster.peers import Peers
from server.live.fanout.hub import Hub
from server.ops.health.database_probe import Pulse
from server.people.accounts.mails import Letters
from server.people.activity.service import Activities
from server.people.auth.passwords import Passwords
from server.people.auth.sessions import SignIns
from server.people.auth.tokens import Tokens
from server.people.organisations.service import Office
from server.transport.http.client_address import Network
from server.transport.http.compressor import Packer
from server.transport.http.response_cache import Caches
from server.transport.ratelimit.request_limits import RequestLimits

Probe = Callable[[], Mapping[str, object]]
"""Tells how one part is; its `status` is ok, off, degraded or down."""


@dataclass(slots=True)
class Context:
    """The parts of one running server."""

    config: Config
    catalog: Catalog
    bookings: Bookings
    registrar: Registrar
    """Takes the places of those who register."""
    analytics: Analytics
    counter: Counter
    """Counts what analytics tell."""
    accounts: Accounts
    users: Users
    activities: Activities
    """Takes what is done."""
    activity_log: ActivityLog
    """Tells what was done."""
    journal: Journal
    hub: Hub
    shards: Shards
    processes: Processes
    members: Members
    cluster: Peers
    """The other processes, if there are any."""
    tokens: Tokens
    sessions: Sessions
    sign_ins: SignIns
    office: Office
    """Organisations: their members, machines and mails."""
    outbox: Outbox
    letters: Letters
    passwords: Passwords
    receipt_key: PublicKey
    metrics: Metrics
    database_url: str
    """Where the database is, for the child that audits; may hold a password."""
    durability: str
    pulse: Pulse
    trusted_proxies: tuple[Network, ...] = ()
    limits: RequestLimits | None = None
    """None where the limits on rates are lifted."""
    parts: dict[str, Probe] = field(default_factory=dict)
    caches: Caches = field(default_factory=Caches)
    charts: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """How many charts are read at the same time: each may take much memory."""
    audits: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """How many audits run at the same time: each is a process of its own."""
    ready: bool = False
    """False before the start is done and from the first moment of the end."""
    maps: Maps = field(init=False)
    packer: Packer = field(init=False)
    images: ImageKeeper = field(init=False)
    rows: EventRows = field(init=False)
    """What stands beside the boards of events."""

    def __post_init__(self) -> None:
        """Put together what is made of other parts."""
        self.maps = Maps(self.caches.maps)
        self.packer = Packer(self.caches.packed)
        self.images = open_images(self.catalog.images, self.config)
        self.rows = EventRows(self.catalog, self.hub.now)


CONTEXT: Final = web.AppKey("context", Context)
