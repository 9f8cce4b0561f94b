"""Where one serving process stands: in its node, in the cluster, on the network."""

import secrets
from urllib.parse import urlsplit

from msgspec import Struct

from server.base.settings import Config, is_address


class Instance(Struct, frozen=True, kw_only=True):
    """What a serving process is told beside the settings, which all of a node share."""

    node: str
    """The data directory it serves from; many processes may share one."""
    process: str
    """Names this process, and no former one: see `name_process`."""
    database_url: str
    redis_url: str | None = None
    number: int = 0
    """Which of its node's workers it is."""
    port: int
    """Where it listens; 0 takes any free port."""
    reuse_port: bool = False
    """Whether other workers listen at `port` too."""
    own_port: int | None = None
    """Where it listens besides, alone."""
    address: str | None = None
    """The URL at which clients reach this one process, where there is one."""
    own_database: bool = False
    """Whether the database is one that we started, and look after."""
    supervised: bool = False
    """Whether a supervisor holds the data directory, and has ended the leases of the
    node's former processes."""


def name_process(node: str, number: int) -> str:
    """Return a new name for the process of this number in a node."""
    return f"{node}.{number}.{secrets.token_hex(2)}"


def url_at(scheme: str, host: str, port: int) -> str:
    """Return a URL; numeric addresses of IPv6 stand in brackets."""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def own_port_of(config: Config, number: int) -> int | None:
    """Return where the worker of this number listens alone, or None."""
    return None if config.worker_port is None else config.worker_port + number


def address_of(config: Config, number: int) -> str | None:
    """Return the URL at which others reach this one process, or None."""
    port = own_port_of(config, number)
    if config.advertise is None:
        return None if port is None else url_at("http", config.host, port)
    if is_address(config.advertise):
        return url_at("http", config.advertise, config.port if port is None else port)
    given = urlsplit(config.advertise)
    if port is None or (config.workers == 1 and given.port is not None):
        return config.advertise.removesuffix("/")
    return url_at(given.scheme, given.hostname or "", port)
