"""What the server consists of, and how it starts and stops.

The one place that knows all parts. Stopping: frames that come later get `unavailable`,
mailboxes are drained, replies flushed, leases released, sockets closed with 1012.
"""

import asyncio
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp import web

from persistence.postgres.durability import Durability
from persistence.postgres.pool import Pool
from persistence.postgres.prepare import prepare_database
from server.base import limits
from server.base.instance import Instance, url_at
from server.base.metrics import Metrics
from server.base.settings import Config
from server.community.chat.capability import CHAT
from server.community.support.capability import SUPPORT
from server.events.analytics.capability import NUMBERS
from server.events.attendees.capability import ATTENDEES
from server.events.audit.capability import AUDIT
from server.events.bookings.capability import BOOKED
from server.events.catalogue.capability import CATALOGUE
from server.events.cockpit.capability import COCKPIT
from server.events.images.capability import PICTURES
from server.events.line.capability import LINE
from server.events.line.drawer.capability import DRAWS
from server.events.line.messages.capability import LINE_MESSAGES
from server.events.line.rehearsal.capability import REHEARSING
from server.events.sales.capability import SALES
from server.events.sales.fast_reads import FastReads
from server.events.venues.capability import VENUES
from server.live.actors.capability import ACTORS
from server.live.cluster.capability import CLUSTER
from server.live.fanout.capability import FANOUT
from server.live.followers.capability import FOLLOWING
from server.live.websocket.capability import WEBSOCKET
from server.ops.api.capability import DESCRIPTION
from server.ops.health.capability import HEALTH
from server.pages.capability import PAGES
from server.people.accounts.capability import ACCOUNTS
from server.people.activity.capability import ACTIVITY
from server.people.activity.middleware import note_writes
from server.people.announcements.capability import ANNOUNCING
from server.people.api_keys.capability import MACHINE_KEYS
from server.people.auth.capability import AUTH
from server.people.hooks.capability import HOOKS
from server.people.notices.capability import CONFIRMING, NOTICES
from server.people.organisations.capability import ORGANISATIONS
from server.shop.checkin.capability import CHECKIN
from server.shop.counter.capability import COUNTER
from server.shop.exports.capability import EXPORTS
from server.shop.hooks.capability import SALES_TOLD
from server.shop.money.capability import MONEY
from server.shop.orders.capability import ORDERING
from server.shop.payments.capability import PAYMENTS
from server.shop.promotions.capability import PROMOTIONS
from server.shop.tickets.capability import TICKETS
from server.transport.capability.capability import (
    Startup,
    add_routes,
    frames_of,
    routes_of,
)
from server.transport.capability.carriers import HTTP, MAIL, MESSAGES, RATE_LIMITS
from server.transport.http.app_keys import TRUSTED_PROXIES
from server.transport.http.compression import compress_bodies
from server.transport.http.connections import ConnectionLimiter
from server.transport.http.http_log import HTTP_LOG
from server.transport.http.middleware import answer_problems, set_headers
from server.transport.jobs.capability import LEASED
from server.transport.metrics.counting import count_requests
from server.transport.outbox.capability import OUTGOING
from server.transport.ratelimit.request_limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()

CAPABILITIES: Final = (
    MESSAGES,
    HTTP,
    RATE_LIMITS,
    LEASED,
    MAIL,
    OUTGOING,
    FANOUT,
    ACTORS,
    CLUSTER,
    FOLLOWING,
    WEBSOCKET,
    HEALTH,
    ACTIVITY,
    NOTICES,
    AUTH,
    ACCOUNTS,
    ORGANISATIONS,
    MACHINE_KEYS,
    HOOKS,
    ANNOUNCING,
    VENUES,
    CATALOGUE,
    PICTURES,
    SALES,
    BOOKED,
    ATTENDEES,
    NUMBERS,
    COCKPIT,
    AUDIT,
    LINE,
    DRAWS,
    LINE_MESSAGES,
    REHEARSING,
    PAYMENTS,
    MONEY,
    PROMOTIONS,
    ORDERING,
    TICKETS,
    CONFIRMING,
    COUNTER,
    SALES_TOLD,
    CHECKIN,
    EXPORTS,
    SUPPORT,
    CHAT,
    DESCRIPTION,
    PAGES,
)
"""All that the server does, in the order in which it opens."""

ROUTES: Final = routes_of(CAPABILITIES)
FRAMES: Final = frames_of(CAPABILITIES)
MIDDLEWARES: Final = (count_requests, note_writes, answer_problems, compress_bodies)
"""What stands around every handler, the outermost first."""

KEEPALIVE_S = 15
BACKLOG = 4_096
BODY_BYTES_MAX = 16 << 20
SHUTDOWN_S = 1.0
"""How long handlers may go on when the server stops."""


class Server:
    """One serving process, from its parts to its port."""

    def __init__(self, config: Config, instance: Instance) -> None:
        self.config = config
        self.instance = instance
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pool: Pool | None = None
        self._startup: Startup | None = None
        self._stop_listening: list[Callable[[], None]] = []

    async def start(self) -> str:
        """Start everything; return the address clients use."""
        durability = await self._prepare()
        self._pool = pool = await Pool.open(self.instance.database_url)
        app = web.Application(middlewares=MIDDLEWARES, client_max_size=BODY_BYTES_MAX)
        app.on_response_prepare.append(set_headers)
        startup = self._startup = Startup(
            CAPABILITIES, self.config, self.instance, pool, durability, app
        )
        startup.failed = self.failed
        await startup.open_all()
        add_routes(app, ROUTES)
        startup.url = url = await self._listen(app, startup)
        startup.readiness.ready = True
        return url

    async def stop(self) -> None:
        """Stop in order; the parts that were not started are not stopped."""
        startup = self._startup
        if self.instance.reuse_port:
            # The kernel gives new connections to our siblings from now on.
            self._close_listeners()
        if startup is not None:
            startup.readiness.ready = False
            await startup.drain(limits.STOP_S_MAX)
        self._close_listeners()
        if startup is not None:
            await startup.close()
        if self._pool is not None:
            await self._pool.close()

    async def _prepare(self) -> Durability:
        """Bring the database up to date; raises where it is not to be trusted."""
        durability, applied = await prepare_database(
            self.instance.database_url,
            unsafe=self.config.unsafe,
            tell=log.warning,
        )
        if applied:
            log.info("migrated the database", files=applied)
        return durability

    async def _listen(self, app: web.Application, startup: Startup) -> str:
        runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S, handle_signals=False)
        await runner.setup()
        startup.on_stop(runner.cleanup)
        if runner.server is None:
            raise RuntimeError("aiohttp made no server")
        runner.server.request_handler = FastReads(app, runner.server.request_handler)
        limiter = ConnectionLimiter(
            runner.server,
            app[TRUSTED_PROXIES],
            None if LIMITS not in app else limits.CONNECTIONS_PER_ADDRESS_MAX,
            access_log=None,
            logger=HTTP_LOG,
            keepalive_timeout=KEEPALIVE_S,
            # Bodies are refused packed, so nobody unpacks them before that.
            auto_decompress=False,
            max_line_size=limits.LINE_BYTES_MAX,
            max_field_size=limits.FIELD_BYTES_MAX,
        )
        _add_gauges(startup.metrics, limiter)
        loop = asyncio.get_running_loop()
        startup.run(limiter.run(loop.time), "limiter")
        host, instance = self.config.host, self.instance
        listening = await loop.create_server(
            limiter,
            host,
            instance.port,
            backlog=BACKLOG,
            reuse_port=instance.reuse_port or None,
        )
        self._stop_listening.append(listening.close)
        if instance.own_port is not None:
            own = await loop.create_server(
                limiter, host, instance.own_port, backlog=BACKLOG
            )
            self._stop_listening.append(own.close)
        host, port = listening.sockets[0].getsockname()[:2]
        return url_at("http", host, port)

    def _close_listeners(self) -> None:
        while self._stop_listening:
            self._stop_listening.pop()()


def _add_gauges(metrics: Metrics, limiter: ConnectionLimiter) -> None:
    metrics.gauge(
        "onsale_tcp_connections",
        "Connections of clients that are open.",
        lambda: len(limiter.connections),
    )
    metrics.counter(
        "onsale_tcp_refused_total",
        "Connections that were refused, being more than an address may have.",
        lambda: limiter.refused,
    )
