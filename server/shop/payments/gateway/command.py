"""`onsale gateway`: serve the test gateway until told to stop."""

import asyncio
import os
import signal
import socket
import sqlite3
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import uvloop
from aiohttp import web
from cyclopts import Parameter

from persistence.data_directory import DataDirectory, DataDirectoryError
from persistence.shop.payments.gateway_file import GatewayFile
from server.base.instance import url_at
from server.base.log import configure_logging
from server.base.settings import ConfigError, read_config
from server.shop.payments.gateway.book import Book
from server.shop.payments.gateway.deliveries import Deliveries
from server.shop.payments.gateway.handlers import make_app
from server.shop.payments.secret import secrets_for

PORT: Final = 8090
FOLDER: Final = "gateway"
FILE: Final = "gateway.sqlite"
STOP_S: Final = 1.0
UNUSABLE: Final = 2


def gateway(
    *,
    port: int = PORT,
    host: str = "127.0.0.1",
    data_dir: str | None = None,
    public_url: Annotated[str | None, Parameter(name="--public-url")] = None,
) -> int:
    """Serve a test gateway, where buyers pay with money that nobody has.

    Its secret is ONSALE_GATEWAY_SECRET; without it that of the data directory, which a
    server with the same directory has, too.

    Args:
        port: where to listen; 0 takes any free port.
        host: where to listen.
        data_dir: what is kept on this machine (ONSALE_DATA_DIR).
        public_url: where buyers reach it, if not where it listens.
    """
    try:
        config = read_config(os.environ, data_dir=data_dir)
        configure_logging(config.log_level)
        secrets = secrets_for(config)
        with DataDirectory(Path(config.data_dir) / FOLDER) as data:
            file = GatewayFile(data.path / FILE)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(host, port, public_url, file, secrets))
    except (ConfigError, DataDirectoryError) as error:
        sys.stderr.write(f"onsale: {error}\n")
        return UNUSABLE
    except sqlite3.Error as error:
        sys.stderr.write(f"onsale: the gateway's file cannot be used: {error}.\n")
        return UNUSABLE
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"onsale: cannot serve at {host}:{port}: {error}\n")
        return UNUSABLE
    return 0


async def _serve(
    host: str,
    port: int,
    public_url: str | None,
    file: GatewayFile,
    secrets: tuple[bytes, ...],
) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    listening = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
    )
    url = url_at("http", host, listening.getsockname()[1])
    book = Book(file, (public_url or url).rstrip("/"), _now_ms)
    book.forget()
    runner = web.AppRunner(
        make_app(book, secrets), access_log=None, shutdown_timeout=STOP_S
    )
    await runner.setup()
    sending = asyncio.create_task(Deliveries(book, secrets).run())
    waiting = asyncio.create_task(stopped.wait())
    try:
        await web.SockSite(runner, listening).start()
        sys.stdout.write(f"onsale gateway is ready at {url}\n")
        sys.stdout.flush()
        await asyncio.wait([sending, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        sending.cancel()
        await asyncio.wait([sending])
        await runner.cleanup()
        file.close()
    if not sending.cancelled():
        # It ends by an error only; then nobody is told of payments any more.
        sending.result()


def _now_ms() -> int:
    return int(time.time() * 1_000)
