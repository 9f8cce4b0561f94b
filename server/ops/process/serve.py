"""`onsale serve`: from the settings to the end, as one process or as several."""

import importlib
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres
from server.base.instance import Instance, address_of, name_process, own_port_of
from server.base.log import configure_logging
from server.base.settings import Config, redis_address
from server.ops.process.runner import (
    ADDRESS,
    EXPECTED,
    explain,
    run_server,
    say_ready,
    set_up_process,
    tell_notices,
)

NODE_LENGTH: Final = 16


def serve(config: Config) -> int:
    """Serve until told to stop; return the exit status. Call from the main thread."""
    configure_logging(config.log_level)
    try:
        with DataDirectory(Path(config.data_dir)) as data:
            if config.workers == 1:
                _serve_alone(config, data)
            else:
                # Late: a lone process needs nothing of it.
                from server.ops.process.supervisor import supervise

                supervise(config, data, node_of(data))
    except EXPECTED as error:
        sys.stderr.write(f"onsale: {explain(error, config)}\n")
        return 1
    return 0


def node_of(data: DataDirectory) -> str:
    """Return the name of the node that a data directory is, the same for ever."""
    # A name that begins with a hyphen would be an option in a command line.
    return "n" + data.secret("node")[:NODE_LENGTH]


def _serve_alone(config: Config, data: DataDirectory) -> None:
    set_up_process()
    with ExitStack() as stack:
        url, postgres = config.database_url, None
        if url is None:
            postgres = EmbeddedPostgres(data)
            stack.callback(postgres.stop)
            postgres.launch()
            # Half of a start is importing this; Postgres comes up meanwhile.
            importlib.import_module("server.app")
            url = postgres.wait()
            tell_notices(postgres)
        node = node_of(data)
        instance = Instance(
            node=node,
            process=name_process(node, 0),
            database_url=url,
            redis_url=redis_address(config),
            port=config.port,
            own_port=own_port_of(config, 0),
            address=address_of(config, 0),
            own_database=postgres is not None,
        )

        def on_ready(url: str) -> None:
            data.write_record(ADDRESS, url)
            say_ready(url)

        run_server(config, instance, on_ready, postgres)
