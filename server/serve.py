"""`onsale serve`: from the settings to the end, as one process or as several."""

import asyncio
import gc
import importlib
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import structlog
import uvloop

from persistence.data_directory import DataDirectory, DataDirectoryError
from persistence.embedded import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    EmbeddedValkeyError,
)
from persistence.errors import Unavailable, UnsafeServer
from persistence.migrate import MigrationError
from server.config import Config, ConfigError
from server.log import configure_logging
from server.place import Place, address_of, name_process, own_port_of

GC_THRESHOLDS: Final = (5_000, 10, 100)
"""A sale makes many objects that live for minutes, and nearly no cycles: at the usual
700 the collector takes a fifth of the actor's time to find nothing."""

NODE_LENGTH: Final = 16

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


def serve(config: Config) -> int:
    """Serve until told to stop; return the exit status. Call from the main thread."""
    configure_logging(config.log_level)
    try:
        with DataDirectory(Path(config.data_dir)) as data:
            if config.workers == 1:
                _serve_alone(config, data)
            else:
                # Late: a lone process needs nothing of it.
                from server.supervisor import supervise

                supervise(config, data, node_of(data))
    except EXPECTED as error:
        sys.stderr.write(f"onsale: {explain(error, config)}\n")
        return 1
    return 0


def explain(error: BaseException, config: Config, place: Place | None = None) -> str:
    """Say in a sentence what was wrong with the world."""
    if isinstance(error, Unavailable | UnsafeServer):
        return f"the database (--database-url, DATABASE_URL): {error}."
    if isinstance(error, OSError):
        own = None if place is None else place.own_port
        ports = f"{config.port}" if own is None else f"{config.port} and {own}"
        return f"cannot serve at {config.host}:{ports}: {error}"
    return str(error)


def node_of(data: DataDirectory) -> str:
    """Return the name of the node that a data directory is, the same for ever."""
    # A name that begins with a hyphen would be an option in a command line.
    return "n" + data.secret("node")[:NODE_LENGTH]


def set_up_process() -> None:
    """Prepare this process for serving many at once."""
    # As many sockets as the system permits.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.set_threshold(*GC_THRESHOLDS)


def run_server(config: Config, place: Place, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is told the address clients use."""
    factory = uvloop.new_event_loop if config.loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(config, place, on_ready))


def say_ready(url: str) -> None:
    """Tell whoever started us where we serve."""
    sys.stdout.write(f"onsale is ready at {url}\n")
    sys.stdout.flush()


def _serve_alone(config: Config, data: DataDirectory) -> None:
    set_up_process()
    with ExitStack() as stack:
        url = config.database_url
        if url is None:
            postgres = EmbeddedPostgres(data)
            stack.callback(postgres.stop)
            postgres.launch()
            # Half of a start is importing this; Postgres comes up meanwhile.
            importlib.import_module("server.app")
            url = postgres.wait()
        node = node_of(data)
        place = Place(
            node=node,
            process=name_process(node, 0),
            database_url=url,
            redis_url=config.redis_url,
            port=config.port,
            own_port=own_port_of(config, 0),
            address=address_of(config, 0),
        )

        def on_ready(url: str) -> None:
            data.write_record(ADDRESS, url)
            say_ready(url)

        run_server(config, place, on_ready)


async def _serve(config: Config, place: Place, on_ready: Callable[[str], None]) -> None:
    from server.app import Server

    server = Server(config, place)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        on_ready(await server.start())
        # What is there now stays: no collection of garbage need look at it again.
        gc.collect()
        gc.freeze()
        waiting = asyncio.create_task(stopped.wait())
        ends: list[asyncio.Future[Any]] = [waiting, server.failed]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if server.failed.done():
            log.error("a part of the server died", exc_info=server.failed.exception())
    finally:
        await server.stop()
    if server.failed.done():
        server.failed.result()
