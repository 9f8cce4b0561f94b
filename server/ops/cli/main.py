"""The commands of `onsale`: what one types, and which room does it."""

import os
import sys
from importlib.util import find_spec
from typing import Annotated

from cyclopts import App, Parameter

import server
from server.base.settings import ConfigError, read_config

app = App(name="onsale", help="A ticket on-sale server.", version=server.__version__)


@app.command
def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: str | None = None,
    database_url: str | None = None,
    redis_url: str | None = None,
    workers: int | None = None,
    worker_port: int | None = None,
    advertise: str | None = None,
    unsafe: Annotated[bool | None, Parameter(negative=())] = None,
) -> int:
    """Serve until told to stop. Every option is also an environment variable.

    Args:
        host: where to listen (ONSALE_HOST).
        port: where to listen; 0 takes any free port (ONSALE_PORT).
        data_dir: what this server keeps on this machine (ONSALE_DATA_DIR).
        database_url: a Postgres; without it one is started here (DATABASE_URL).
        redis_url: a Redis or Valkey for several processes; without it one is started
            here where there are several workers (REDIS_URL).
        workers: how many processes serve, all at one port (ONSALE_WORKERS). SIGHUP
            replaces them one after the other.
        worker_port: where the first worker listens besides, alone, so that clients can
            choose it; the others at the ports after it (ONSALE_WORKER_PORT).
        advertise: the URL at which clients reach this machine, or just its address; of
            several workers each puts its own port to it (ONSALE_ADVERTISE).
        unsafe: start on a database that may lose what it acknowledged.
    """
    from server.ops.process.serve import serve as run

    try:
        config = read_config(
            os.environ,
            host=host,
            port=port,
            data_dir=data_dir,
            database_url=database_url,
            redis_url=redis_url,
            workers=workers,
            worker_port=worker_port,
            advertise=advertise,
            unsafe=unsafe,
        )
    except ConfigError as error:
        sys.stderr.write(f"onsale: {error}\n")
        return 2
    return run(config)


app.command("server.ops.demo.command:demo")
app.command("server.shop.payments.gateway.command:gateway")
app.command("server.events.line.beacon.command:beacon")
app.command("server.ops.cli.audit:audit")
app.command("server.ops.cli.verify:verify")
app.command("server.ops.cli.ticket:app", name="ticket")
app.command("server.ops.cli.cluster:cluster")
app.command("server.ops.cli.cluster:move")
app.command("server.ops.cli.migrate:migrate")
app.command("server.ops.cli.backup:backup")
app.command("server.ops.cli.backup:restore")
app.command("server.ops.cli.backup:new_history")
app.command("server.ops.cli.outbox:outbox")
if find_spec("bench") is not None:
    # Not in a wheel: it needs what only a checkout installs.
    app.command("bench.__main__:app", name="bench")


def main() -> None:
    """Run the command line."""
    app()
