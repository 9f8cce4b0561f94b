"""`onsale serve`: one process from its settings to its end."""

import asyncio
import gc
import importlib
import resource
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import structlog
import uvloop

from persistence.data_directory import DataDirectory, DataDirectoryError
from persistence.embedded import EmbeddedPostgres, EmbeddedPostgresError
from persistence.errors import Unavailable, UnsafeServer
from persistence.migrate import MigrationError
from server.config import Config, ConfigError
from server.log import configure_logging
from server.place import Place, name_process

GC_THRESHOLDS: Final = (20_000, 20, 20)
"""A sale makes many objects that live for minutes, and nearly no cycles: at the usual
700 the collector takes a fifth of the actor's time to find nothing."""

log = structlog.get_logger()


def serve(config: Config) -> int:
    """Serve until told to stop; return the exit status. Call from the main thread."""
    configure_logging(config.log_level)
    _raise_file_limit()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        with ExitStack() as stack:
            data = stack.enter_context(DataDirectory(Path(config.data_dir)))
            url = config.database_url
            if url is None:
                postgres = EmbeddedPostgres(data)
                stack.callback(postgres.stop)
                postgres.launch()
                # Half of a start is importing this; Postgres comes up meanwhile.
                importlib.import_module("server.app")
                url = postgres.wait()
            factory = uvloop.new_event_loop if config.loop == "uvloop" else None
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(_serve(config, _place(config, data, url)))
    except (
        ConfigError,
        DataDirectoryError,
        EmbeddedPostgresError,
        MigrationError,
        ValueError,
    ) as error:
        sys.stderr.write(f"onsale: {error}\n")
        return 1
    except (Unavailable, UnsafeServer) as error:
        sys.stderr.write(
            f"onsale: the database (--database-url, DATABASE_URL): {error}.\n"
        )
        return 1
    except OSError as error:
        place = f"{config.host}:{config.port}"
        sys.stderr.write(f"onsale: cannot serve at {place}: {error}\n")
        return 1
    return 0


def _place(config: Config, data: DataDirectory, database_url: str) -> Place:
    node = data.secret("node")[:16]
    return Place(
        node=node,
        process=name_process(node, 0),
        database_url=database_url,
        redis_url=config.redis_url,
        port=config.port,
    )


async def _serve(config: Config, place: Place) -> None:
    from server.app import Server

    server = Server(config, place)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        url = await server.start()
        sys.stdout.write(f"onsale is ready at {url}\n")
        sys.stdout.flush()
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


def _raise_file_limit() -> None:
    """Allow as many sockets as the system permits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
