"""The composition root: builds every part, starts it, and stops it in order.

The only file that knows all parts. Stopping: frames that come later get `unavailable`,
mailboxes are drained, replies flushed, leases released, sockets closed with 1012.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from persistence.accounts import Accounts
from persistence.activity import ActivityLog
from persistence.analytics import Analytics
from persistence.bookings import Bookings
from persistence.catalog import Catalog
from persistence.clock import DatabaseClock
from persistence.guard import Durability
from persistence.journal import PostgresJournal
from persistence.mail import Outbox
from persistence.pool import Pool
from persistence.prepare import prepare_database
from persistence.processes import Processes
from persistence.receipt_key import ensure_seed
from persistence.sessions import Sessions
from persistence.token_keys import TokenKeys
from persistence.users import Users
from server import limits
from server.accounts.first_admin import ensure_admin
from server.accounts.key_keeper import KeyKeeper
from server.accounts.letters import Letters
from server.accounts.lifetimes import SESSION_S
from server.accounts.news import tell_others
from server.accounts.passwords import Passwords
from server.accounts.postman import Postman
from server.accounts.sign_ins import ALONE_TOKEN_S, SESSION_TOKEN_S, SignIns
from server.activity.start import Activities
from server.adoption import adopt
from server.analytics.job import Counter
from server.attendees.registrar import Registrar
from server.cluster.members import Members
from server.cluster.start import join, open_bus, process_of, terms_of
from server.config import Config
from server.context import CONTEXT, Context
from server.door import Door
from server.events.ranking import keep_ranking
from server.ids import RandomIds
from server.metrics import Metrics
from server.organisations.office import Office
from server.pages.serve import add_pages
from server.place import Place, url_at
from server.pulse import Pulse
from server.realtime.hub import Hub
from server.realtime.websocket import websocket
from server.receipts import PublicKey, ReceiptKey
from server.rest import routes
from server.rest.client_address import parse_networks
from server.rest.http_log import HTTP_LOG
from server.rest.limits import keep_counting, limits_of
from server.rest.live_events import connect_live_events
from server.rest.middleware import answer_problems, set_headers
from server.rest.notes import note_writes
from server.rest.packing import pack_bodies
from server.rest.quick import QuickReads
from server.shards import Shards

if TYPE_CHECKING:
    from server.cluster.cluster import Cluster

log = structlog.get_logger()

KEEPALIVE_S = 15
BACKLOG = 4_096
BODY_BYTES_MAX = 16 << 20
RESTART_SPREAD_MS = 3_000
COUNTER_CLOSE_S = 0.3
SHUTDOWN_S = 1.0
"""How long handlers may go on when the server stops."""


class Server:
    """One serving process, from its parts to its port."""

    def __init__(self, config: Config, place: Place) -> None:
        self.config = config
        self.place = place
        self._cleanups: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._context: Context | None = None
        self._cluster: Cluster | None = None
        self._stop_listening: list[Callable[[], None]] = []
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self) -> str:
        """Start everything; return the address clients use."""
        config, place = self.config, self.place
        passwords = Passwords()
        durability = await self._prepare()
        pool = await Pool.open(place.database_url)
        self._cleanups.append(pool.close)
        accounts = Accounts(pool, token_s=SESSION_TOKEN_S, alone_s=ALONE_TOKEN_S)
        # The slowest step there is, so it goes on in its thread beside the others.
        admin = asyncio.create_task(self._ensure_admin(accounts, passwords))
        self._tasks.add(admin)
        clock = DatabaseClock()
        journal = await self._open_journal(pool, clock)
        processes = Processes(pool)
        activities = await self._log_activity(processes, clock)
        members = await self._join(processes, clock)
        catalog = Catalog(pool)
        sessions = Sessions(pool, lasts_s=SESSION_S, token_s=SESSION_TOKEN_S)
        keys = KeyKeeper(TokenKeys(pool), config.secret_key, config.old_secret_key)
        tokens = await keys.start()
        metrics = Metrics()
        hub = Hub(asyncio.get_running_loop())
        sign_ins = SignIns(sessions, tokens, hub)
        await sign_ins.look()
        shards = Shards(catalog, journal, hub, clock, RandomIds(), metrics)
        office = Office(pool, config.public_url)
        shards.sellers = office.sellers
        if place.redis_url is not None:
            await self._connect(place.redis_url, processes, journal, shards, members)
        if self._cluster is not None:
            tell_others(sign_ins, self._cluster.bus)
            office.connect(self._cluster.bus)
        context = self._context = Context(
            config=config,
            catalog=catalog,
            bookings=Bookings(pool),
            registrar=Registrar(pool, shards, config.public_url),
            analytics=Analytics(pool),
            counter=await self._count(),
            accounts=accounts,
            users=Users(pool, token_s=SESSION_TOKEN_S, alone_s=ALONE_TOKEN_S),
            activities=activities,
            activity_log=ActivityLog(pool),
            journal=journal,
            hub=hub,
            shards=shards,
            processes=processes,
            members=members,
            cluster=self._cluster,
            tokens=tokens,
            sessions=sessions,
            sign_ins=sign_ins,
            office=office,
            outbox=Outbox(pool),
            letters=Letters(config.public_url),
            passwords=passwords,
            receipt_key=await self._receipt_key(pool),
            metrics=metrics,
            database_url=place.database_url,
            durability=durability.durability_class,
            pulse=Pulse(partial(pool.fetch_one, "SELECT 1")),
            trusted_proxies=parse_networks(config.trusted_proxies),
            limits=limits_of(config),
        )
        self._tell_how_it_goes(context, durability)
        self._spawn(keys.run(tokens), "token keys")
        self._run_parts(context)
        await admin
        url = await self._listen(context)
        context.ready = True
        return url

    async def stop(self) -> None:
        """Stop in order; the parts that were not started are not stopped."""
        context = self._context
        if self.place.reuse_port:
            # The kernel gives new connections to our siblings from now on.
            self._close_listeners()
        if context is not None:
            context.ready = False
            loop = asyncio.get_running_loop()
            ends = loop.time() + limits.STOP_S_MAX
            if self._cluster is not None:
                await self._cluster.leave(limits.HAND_OVER_S_MAX)
            await context.shards.stop(ends - loop.time())
            for outlet in list(context.hub.outlets):
                # Spread, so that not all come back in the same instant.
                outlet.close(1012, "restart", random.randrange(RESTART_SPREAD_MS))
            context.passwords.close()
        self._close_listeners()
        for task in self._tasks:
            task.cancel()
        for cleanup in reversed(self._cleanups):
            await cleanup()

    async def _prepare(self) -> Durability:
        """Bring the database up to date; raises where it is not to be trusted."""
        durability, applied = await prepare_database(
            self.place.database_url, unsafe=self.config.unsafe
        )
        if applied:
            log.info("migrated the database", files=applied)
        return durability

    async def _open_journal(self, pool: Pool, clock: DatabaseClock) -> PostgresJournal:
        place = self.place
        journal = await PostgresJournal.open(
            place.database_url, pool, place.process, clock
        )
        self._cleanups.append(journal.close)
        return journal

    def _tell_how_it_goes(self, context: Context, durability: Durability) -> None:
        """Fill the metrics and the health page."""
        _add_gauges(context.metrics, context.hub, context.shards)
        context.activities.count_in(context.metrics)
        context.counter.count_in(context.metrics)
        if self._cluster is not None:
            _add_cluster_gauges(context.metrics, self._cluster)
        context.parts["database"] = partial(_database_part, context.pulse, durability)
        context.parts["bus"] = self._bus_part

    def _run_parts(self, context: Context) -> None:
        """Let go what goes on by itself."""
        context.hub.settings_changed = context.caches.settings_changed
        connect_live_events(context)
        if self._cluster is not None:
            context.caches.connect(self._cluster.bus)
            context.rows.connect(self._cluster.bus)
            if context.limits is not None:
                context.limits.connect(self._cluster.bus, context.members.me)
                self._spawn(keep_counting(context.limits), "rate limits")
        config = self.config
        postman = Postman(context.outbox, config.smtp_url, config.mail_from)
        context.parts["mail"] = lambda: {"status": postman.status}
        self._spawn(postman.run(), "mail")
        self._spawn(context.hub.run(), "hub")
        self._spawn(context.hub.live.run(), "live events")
        self._spawn(context.shards.run(), "scheduled sales")
        self._cleanups.append(context.images.close)
        self._spawn(context.images.run(), "images")
        self._spawn(keep_ranking(context.catalog.popularity), "ranking")
        take = (
            context.shards.adopt if self._cluster is None else self._cluster.take_share
        )
        self._spawn(adopt(context.processes, take), "adoption")
        self._spawn(context.members.run(), "members")
        self._spawn(context.sign_ins.run(), "sign-ins")
        self._spawn(context.office.run(), "organisations")
        self._spawn(context.counter.run(), "analytics")
        self._spawn(context.registrar.run(), "registrations")
        self._spawn(context.metrics.watch_loop(), "loop lag")
        self._spawn(context.pulse.run(), "database pulse")

    def _close_listeners(self) -> None:
        while self._stop_listening:
            self._stop_listening.pop()()

    async def _log_activity(
        self, processes: Processes, clock: DatabaseClock
    ) -> Activities:
        """Begin to store who does what."""
        place = self.place
        activities = await Activities.open(
            place.database_url, clock.now_ms, self.config.activity_days
        )
        self._cleanups.append(activities.close)
        if place.redis_url is not None:
            cluster, secret = await processes.cluster()
            activities.use_redis(place.redis_url, cluster, secret, place.process)
        activities.start()
        return activities

    async def _count(self) -> Counter:
        """Prepare to count what analytics tell, on a connection of its own."""
        counter, pool = await Counter.open(self.place.database_url)
        # Nobody waits for its last words: what is not committed is counted again.
        self._cleanups.append(partial(pool.close, COUNTER_CLOSE_S))
        return counter

    async def _join(self, processes: Processes, clock: DatabaseClock) -> Members:
        """Put our name on the list of processes, those of our node being dead."""
        place = self.place
        if not place.supervised:
            await processes.void_node(place.node)
        me, terms = process_of(place, clock.now_ms()), terms_of(self.config, place)
        await join(processes, me, terms)
        members = Members(processes, me, terms)
        self._cleanups.append(members.leave)
        return members

    async def _connect(
        self,
        redis_url: str,
        processes: Processes,
        journal: PostgresJournal,
        shards: Shards,
        members: Members,
    ) -> None:
        """Become one of many. Imported here, because who is alone needs none of it."""
        from server.cluster.cluster import Cluster

        bus = await open_bus(redis_url, processes)
        self._cleanups.append(bus.close)
        self._cluster = cluster = Cluster(bus, journal, shards, members)
        self._cleanups.append(cluster.close)
        await cluster.see_that_all_hear()
        self._spawn(cluster.run(), "cluster")

    def _bus_part(self) -> dict[str, object]:
        if self._cluster is None:
            return {"status": "off", "kind": "in process"}
        bus = self._cluster.bus
        return {"status": bus.status, "kind": "redis", "dropped": bus.dropped}

    async def _listen(self, context: Context) -> str:
        app = web.Application(
            middlewares=[note_writes, answer_problems, pack_bodies],
            client_max_size=BODY_BYTES_MAX,
        )
        app[CONTEXT] = context
        app.on_response_prepare.append(set_headers)
        app.router.add_get("/v1/ws", websocket)
        routes.register(app)
        add_pages(app)
        runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S, handle_signals=False)
        await runner.setup()
        self._cleanups.append(runner.cleanup)
        if runner.server is None:
            raise RuntimeError("aiohttp made no server")
        usual = runner.server.request_handler
        runner.server.request_handler = QuickReads(context, usual)
        door = Door(
            runner.server,
            context.trusted_proxies,
            None if context.limits is None else limits.CONNECTIONS_PER_ADDRESS_MAX,
            access_log=None,
            logger=HTTP_LOG,
            keepalive_timeout=KEEPALIVE_S,
            # Bodies are refused packed, so nobody unpacks them before that.
            auto_decompress=False,
            max_line_size=limits.LINE_BYTES_MAX,
            max_field_size=limits.FIELD_BYTES_MAX,
        )
        _add_door_gauges(context.metrics, door)
        loop = asyncio.get_running_loop()
        self._spawn(door.run(loop.time), "door")
        host, place = self.config.host, self.place
        listening = await loop.create_server(
            door, host, place.port, backlog=BACKLOG, reuse_port=place.reuse_port or None
        )
        self._stop_listening.append(listening.close)
        if place.own_port is not None:
            own = await loop.create_server(door, host, place.own_port, backlog=BACKLOG)
            self._stop_listening.append(own.close)
        host, port = listening.sockets[0].getsockname()[:2]
        return url_at("http", host, port)

    async def _ensure_admin(self, accounts: Accounts, passwords: Passwords) -> None:
        email, password = self.config.admin_email, self.config.admin_password
        if email is not None and password is not None:
            await ensure_admin(accounts, passwords, email.strip().lower(), password)

    async def _receipt_key(self, pool: Pool) -> PublicKey:
        secret = self.config.secret_key
        key = (
            ReceiptKey(await ensure_seed(pool))
            if secret is None
            else ReceiptKey.from_secret(secret)
        )
        return key.public

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run a part for as long as the server; one that dies ends the server."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._died)

    def _died(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and not self.failed.done():
            error = task.exception() or RuntimeError(f"{task.get_name()} ended")
            self.failed.set_exception(error)


def _database_part(pulse: Pulse, durability: Durability) -> dict[str, object]:
    return {
        "status": pulse.status,
        "silent_s": round(pulse.silent_s, 1),
        "problems": durability.problems,
        "server_version": durability.server_version,
    }


def _add_door_gauges(metrics: Metrics, door: Door) -> None:
    metrics.gauge(
        "onsale_tcp_connections", "Open connections", lambda: len(door.visitors)
    )
    metrics.gauge(
        "onsale_tcp_refused", "Connections over a limit", lambda: door.refused
    )


def _add_cluster_gauges(metrics: Metrics, cluster: "Cluster") -> None:
    bus, forwarder = cluster.bus, cluster.forwarder
    for name, meaning, read in (
        ("processes", "Living processes", lambda: len(cluster.members.live)),
        ("forwarded_commands", "Sent to owners", lambda: forwarder.forwarded),
        ("forwarded_unknown", "Without an answer", lambda: forwarder.unknown),
        ("visiting_commands", "Sent here by others", lambda: cluster.counter.visits),
        ("followed_events", "Owned elsewhere", lambda: len(cluster.follower.followed)),
        ("resyncs", "Boards fetched anew", lambda: cluster.follower.resyncs),
        ("bus_published", "Messages said", lambda: bus.published),
        ("bus_received", "Messages heard", lambda: bus.received),
        (
            "bus_dropped",
            "Not ours, or unreadable",
            lambda: bus.dropped + cluster.foreign,
        ),
        ("bus_reconnects", "Connections made anew", lambda: bus.reconnects),
    ):
        metrics.gauge(f"onsale_{name}", meaning, read)


def _add_gauges(metrics: Metrics, hub: Hub, shards: Shards) -> None:
    metrics.gauge("onsale_connections", "Open websockets", lambda: len(hub.outlets))
    metrics.gauge(
        "onsale_watchers",
        "Watched events, summed over connections",
        lambda: sum(len(event.watchers) for event in hub.events.values()),
    )
    metrics.gauge(
        "onsale_events", "Events with an actor here", lambda: len(shards.active)
    )
    metrics.gauge(
        "onsale_mailbox_depth", "Commands waiting for actors", shards.mailbox_depth
    )
    metrics.gauge(
        "onsale_deliveries", "Frames sent to watchers", lambda: hub.deliveries
    )
    live = hub.live
    metrics.gauge("onsale_listeners", "Who watch_events", lambda: len(live.listeners))
    metrics.gauge("onsale_hints", "Live events told", lambda: live.told)
    metrics.gauge("onsale_hints_dropped", "And not told", lambda: live.dropped)
    metrics.gauge(
        "onsale_fanout_seconds", "Loop time spent on watchers", lambda: hub.fanout_s
    )
