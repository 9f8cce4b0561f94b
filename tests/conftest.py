"""What all tests share: the event loops they run on and a database of their own.

An async test of what is close to the event loop runs once on asyncio and once on
uvloop, the others on uvloop, as the server does; `--loop both` runs all on both, and
`--loop asyncio` and `--loop uvloop` all on one. Databases come from the one server of
the run: with pytest-xdist the controller starts it and tells its workers the address.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.database import (
    RunServer,
    close_copiers,
    drop_database,
    make_database,
    make_template,
)
from tests.spread import begin_elsewhere, put_in_order

# So many examples, however long they take: a busy machine finds no other faults.
settings.register_profile(
    "counted",
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("counted")

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
# Whose servers cost more than their tests do, or that name their databases themselves:
# only one process of a run has each.
TOGETHER = (
    "tests/bench/",
    "tests/browser/",
    "tests/cluster/processes/",
    "tests/cluster/test_supervisor.py",
    "tests/contract/test_limits.py",
    # A third of what is asked of the servers that are attacked.
    "tests/security/test_openapi.py",
    "tests/security/",
    # Each of these asks what is read of all files.
    "tests/test_tidy.py",
)
# What cancels, times and hands over, where the loops have differed.
BOTH_LOOPS = (
    "tests/cluster/",
    "tests/faults/",
    "tests/inventory/",
    "tests/persistence/journal/",
    "tests/persistence/postgres/",
    "tests/race/",
    "tests/server/live/",
    "tests/server/transport/",
)
# Of those, what is about statements, documents and addresses alone.
ONE_LOOP = (
    "tests/faults/orders/",
    "tests/persistence/journal/test_audit.py",
    "tests/persistence/journal/test_receipt_key.py",
    "tests/persistence/journal/test_results.py",
    "tests/persistence/postgres/test_history.py",
    "tests/persistence/postgres/test_searches.py",
    "tests/server/live/actors/test_idle.py",
    "tests/server/live/actors/test_looks.py",
    "tests/server/live/websocket/test_frame_table.py",
    "tests/server/transport/http/test_compression.py",
    "tests/server/transport/http/test_unrouted.py",
    "tests/server/transport/jobs/test_rest.py",
    "tests/server/transport/mail/test_kills.py",
    "tests/server/transport/outbox/test_rest.py",
    "tests/server/transport/outbox/test_rest_bounces.py",
    "tests/server/transport/rest/test_served.py",
)
SERVER = pytest.StashKey[RunServer]()
SERVER_URL = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--loop",
        choices=[*LOOPS, "both", "usual"],
        default="usual",
        help="the event loop that async tests run on",
    )


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    chosen = config.getoption("--loop")
    if chosen == "usual":
        close = item.nodeid.startswith(BOTH_LOOPS)
        once = item.nodeid.startswith(ONE_LOOP)
        chosen = "both" if close and not once else "uvloop"
    return {name: make for name, make in LOOPS.items() if chosen in {name, "both"}}


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        number = int(worker["workerid"].removeprefix("gw"))
        begin_elsewhere(config, number, worker["workercount"])


def pytest_collection() -> None:
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    put_in_order(config, items)


def pytest_collection_finish() -> None:
    # Thousands of tests and all that they import stay until the end: the collector of
    # garbage need not look through them each time.
    gc.freeze()
    gc.enable()


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out tests one by one, but keeps those together that share a dear server.

    They come first, so that none of them is what the end of a run waits for.
    """

    def _split_scope(self, nodeid: str) -> str:
        for place in TOGETHER:
            if nodeid.startswith(place):
                return place
        return nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Any
) -> LoadScopeScheduling | None:
    # Not xdist's own marks for this, which it does not find with the newest pytest.
    usual = config.getoption("dist") == "load"
    return Together(config, log) if usual else None


def server_url_of(config: pytest.Config) -> str:
    """Start the run's server where that has not been done; return its address."""
    told = getattr(config, "workerinput", {}).get("server_url")
    if told is not None:
        return str(told)
    if SERVER not in config.stash:
        config.stash[SERVER] = RunServer()
        config.stash[SERVER_URL] = config.stash[SERVER].start()
    return config.stash[SERVER_URL]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    # In the controller: it outlives its workers, whichever of them ends first.
    node.workerinput["server_url"] = server_url_of(node.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    close_copiers()
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """The address of the run's Postgres server."""
    return server_url_of(request.config)


@pytest.fixture(scope="session")
def database_template(server_url: str) -> str:
    """The name of the migrated database that the others are copies of."""
    return make_template(server_url)


@pytest.fixture
def database_url(server_url: str, database_template: str) -> Iterator[str]:
    """The address of a database of this test's own, with all migrations applied."""
    url = make_database(server_url, database_template)
    yield url
    drop_database(server_url, url)


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """The address of a database of this test's own, with nothing in it."""
    url = make_database(server_url, "template1")
    yield url
    drop_database(server_url, url)
