"""Runs the server in this process, from its start to its end."""

import asyncio
import gc
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

import structlog
import uvloop

from persistence.data_directory import DataDirectoryError
from persistence.embedded import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    EmbeddedValkeyError,
)
from persistence.errors import Unavailable, UnsafeServer
from persistence.postgres.migrate import MigrationError
from server.base.instance import Instance
from server.base.settings import Config, ConfigError
from server.ops.process.keeper import keep_postgres

GC_THRESHOLDS: Final = (5_000, 10, 100)
"""A sale makes many objects that live for minutes, and nearly no cycles: at the usual
700 the collector takes a fifth of the actor's time to find nothing."""


ADDRESS: Final = "address"
"""The record in the data directory of where its server listens: who looks after it,
such as the health check of the image, need not know how it was told its port."""


class StartError(Exception):
    """Serving cannot begin; the message says why in one sentence."""


EXPECTED: Final = (
    ConfigError,
    DataDirectoryError,
    EmbeddedPostgresError,
    EmbeddedValkeyError,
    MigrationError,
    OSError,
    StartError,
    Unavailable,
    UnsafeServer,
    ValueError,
)
"""What may be wrong with the world when we start: told in a sentence, not a trace."""

log = structlog.get_logger()


def explain(
    error: BaseException, config: Config, instance: Instance | None = None
) -> str:
    """Say in a sentence what was wrong with the world."""
    if isinstance(error, Unavailable | UnsafeServer):
        return f"the database (--database-url, DATABASE_URL): {error}."
    if isinstance(error, OSError):
        own = None if instance is None else instance.own_port
        ports = f"{config.port}" if own is None else f"{config.port} and {own}"
        return f"cannot serve at {config.host}:{ports}: {error}"
    return str(error)


def set_up_process() -> None:
    """Prepare this process for serving many at once."""
    # As many sockets as the system permits.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.set_threshold(*GC_THRESHOLDS)


def run_server(
    config: Config,
    instance: Instance,
    on_ready: Callable[[str], None],
    postgres: EmbeddedPostgres | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is told the address clients use.

    A `postgres` of ours is looked after meanwhile; where it ends and cannot be started
    again, serving ends with an `EmbeddedPostgresError`.
    """
    factory = uvloop.new_event_loop if config.loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(config, instance, on_ready, postgres))


def say_ready(url: str) -> None:
    """Tell whoever started us where we serve."""
    sys.stdout.write(f"onsale is ready at {url}\n")
    sys.stdout.flush()


def tell_notices(postgres: EmbeddedPostgres) -> None:
    """Log what the operator should know of our own database."""
    for notice in postgres.notices:
        log.info(notice)


async def _serve(
    config: Config,
    instance: Instance,
    on_ready: Callable[[str], None],
    postgres: EmbeddedPostgres | None,
) -> None:
    from server.app import Server

    server = Server(config, instance)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    keeping = None
    try:
        on_ready(await server.start())
        # What is there now stays: no collection of garbage need look at it again.
        gc.collect()
        gc.freeze()
        waiting = asyncio.create_task(stopped.wait())
        ends: list[asyncio.Future[Any]] = [waiting, server.failed]
        if postgres is not None:
            keeping = asyncio.create_task(keep_postgres(postgres).run())
            ends.append(keeping)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if server.failed.done():
            log.error("a part of the server died", exc_info=server.failed.exception())
    finally:
        if keeping is not None:
            # From now on its end is wanted.
            keeping.cancel()
            await asyncio.wait([keeping])
        await server.stop()
    if keeping is not None and not keeping.cancelled():
        keeping.result()
    if server.failed.done():
        server.failed.result()
