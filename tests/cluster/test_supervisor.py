"""What `serve --workers N` promises of its processes, held to real ones."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from persistence.processes import Processes
from server.live.cluster.messages import ALL, Gone, decode
from server.ops.process.reserved_port import ReservedPort
from server.transport.bus.open import open_bus
from tests.cluster.ports import free_ports
from tests.contract.process import REPOSITORY, Server, environment, serve_command
from tests.persistence.journals import open_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

PATIENCE_S = 60.0


def until(condition: Callable[[], object], within_s: float = PATIENCE_S) -> float:
    """Wait until a condition holds; return after how many seconds it did."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, "it did not come in time"
        time.sleep(0.01)
    return time.monotonic() - began


def stat_of(pid: int) -> list[str] | None:
    """Give the fields of a live process after its name: state, parent and so on."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields


def children(pid: int) -> set[int]:
    every = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return {child for child in every if (s := stat_of(child)) and s[1] == str(pid)}


def command_of(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def workers(server: Server) -> set[int]:
    assert server.process is not None
    found = children(server.process.pid)
    return {pid for pid in found if b"server.ops.process.worker" in command_of(pid)}


def family(pid: int) -> set[tuple[int, str]]:
    """Every process below this one, by number and start."""
    found: set[tuple[int, str]] = set()
    for child in children(pid):
        fields = stat_of(child)
        if fields is not None:
            found |= {(child, fields[19])} | family(child)
    return found


def alive(processes: set[tuple[int, str]]) -> set[int]:
    return {pid for pid, born in processes if (s := stat_of(pid)) and s[19] == born}


def listening(pid: int, port: int) -> bool:
    """Return whether this very process listens at a port."""
    sockets = set()
    with contextlib.suppress(OSError):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                sockets.add(str(fd.readlink()))
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            here = int(fields[1].rpartition(":")[2], 16) == port
            if here and fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                return True
    return False


def port_of(server: Server) -> int:
    port = urlsplit(server.url).port
    assert port is not None
    return port


def answers(server: Server) -> int:
    """Ask /readyz on a connection of its own; OSError where it is refused."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=60)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    finally:
        connection.close()


@contextlib.contextmanager
def never_refused(server: Server) -> Iterator[list[int]]:
    """Connect again and again; fail where one connection was refused."""
    accepted, problems = [0], []
    done = threading.Event()

    def knock() -> None:
        while not done.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port_of(server)), 10):
                    accepted[0] += 1
            except OSError as error:
                problems.append(repr(error))
                return
            time.sleep(0.005)

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        yield accepted
    finally:
        done.set()
        thread.join()
    assert problems == []
    assert accepted[0] > 0


@pytest.fixture(scope="module")
def data() -> Iterator[Server]:
    server = Server(ONSALE_WORKERS="2")
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def server(data: Server) -> Server:
    """Run two workers, with what the former test left running, or anew."""
    if data.process is None or data.process.poll() is not None:
        data.start()
    return data


@pytest.fixture
def log_since(server: Server) -> Callable[[], str]:
    """Give a function that reads what the server logged since the test began."""
    start = server.log_size()
    return lambda: server.log(start)


def test_all_workers_serve_at_one_port_and_each_says_which_it_is(server):
    assert len(workers(server)) == 2
    assert all(listening(pid, port_of(server)) for pid in workers(server))
    assert {answers(server) for _ in range(20)} == {200}
    assert len(server.out_path.read_text().splitlines()) == 1
    log = server.log()
    for pid in workers(server):
        assert f'"pid":{pid}' in log


@pytest.mark.campaign
def test_no_secret_is_shown_by_ps(server):
    assert server.process is not None
    secret = server.extra.get("ONSALE_ADMIN_PASSWORD") or "correct horse"
    for pid in {server.process.pid} | {p for p, _ in family(server.process.pid)}:
        assert secret.encode() not in command_of(pid)
        assert b"postgresql://" not in command_of(pid)


@pytest.mark.attack
def test_no_secret_is_in_the_environment_of_a_worker(server):
    """Workers are told secrets in a way that no other process can look at."""
    for pid in workers(server):
        known = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"PYTHONPATH=" in known
        for name in (b"ONSALE_", b"DATABASE_URL", b"REDIS_URL", b"AWS_"):
            assert name not in known


def test_a_killed_worker_is_replaced_and_the_port_stays_open(server, log_since):
    victim, survivor = sorted(workers(server))
    with never_refused(server):
        os.kill(victim, signal.SIGKILL)
        until(lambda: workers(server) - {victim, survivor})
        (heir,) = workers(server) - {victim, survivor}
        until(lambda: listening(heir, port_of(server)))
    assert survivor in workers(server)
    assert "was ended by SIGKILL" in log_since()


@pytest.mark.campaign
async def test_what_a_killed_worker_owned_is_free_at_once_and_told(
    database_url, redis_server
):
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_server.url}
    server = Server(ONSALE_WORKERS="2", **settings)
    heard: list[Gone] = []

    def hear(data: bytes) -> None:
        message = decode(data)
        if isinstance(message, Gone) and message.events:
            heard.append(message)

    async with contextlib.AsyncExitStack() as stack:
        stack.callback(server.remove)
        await asyncio.to_thread(server.start)
        lines = [json.loads(line) for line in server.log_path.read_text().splitlines()]
        ready = [line for line in lines if line["event"] == "a worker is ready"]
        victim = ready[0]["process"]
        # In the name of the worker, as if a buyer had asked it for the event.
        theirs = await stack.enter_async_context(open_store(database_url, victim))
        owned = await theirs.own("evt")
        bus = await open_bus(redis_server.url, Processes(theirs.pool))
        stack.push_async_callback(bus.close)
        subscribed = asyncio.Event()
        bus.subscribe(ALL, hear, subscribed.set)
        await subscribed.wait()

        os.kill(ready[0]["pid"], signal.SIGKILL)
        await asyncio.to_thread(until, lambda: heard)
        assert heard == [Gone(victim, ["evt"])]
        sql = "SELECT owner_token FROM event_head WHERE event_id = 'evt'"
        assert await theirs.query(sql) != [(owned.token,)]


@pytest.mark.campaign
def test_a_worker_that_dies_again_and_again_is_started_with_pauses(server, log_since):
    survivor = min(workers(server))
    killed: set[int] = set()
    for _ in range(3):
        until(lambda: workers(server) - {survivor})
        for pid in workers(server) - {survivor}:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        until(lambda: not workers(server) & killed)
    until(lambda: '"restart_in_s":0.4' in log_since())
    until(lambda: len(workers(server)) == 2)
    (heir,) = workers(server) - {survivor}
    until(lambda: listening(heir, port_of(server)))


@pytest.mark.campaign
def test_a_valkey_that_died_is_started_again(server):
    assert server.process is not None

    def valkeys() -> set[int]:
        found = children(server.process.pid)
        return {pid for pid in found if b"valkey" in command_of(pid)}

    (former,) = valkeys()
    os.kill(former, signal.SIGKILL)
    until(lambda: valkeys() - {former})
    assert answers(server) == 200


def test_sigterm_ends_everything(server, log_since):
    assert server.process is not None
    below = family(server.process.pid)
    assert len(below) > 4  # Two workers, Valkey, and Postgres with its helpers.
    assert server.stop() == 0
    assert alive(below) == set()
    assert "Traceback" not in log_since()


@pytest.mark.campaign
def test_nothing_outlives_a_supervisor_that_was_killed(server):
    assert server.process is not None
    below = family(server.process.pid)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    until(lambda: not alive(below))


def test_sighup_replaces_every_worker_while_the_port_answers(server, log_since):
    assert server.process is not None
    former = workers(server)
    with never_refused(server):
        server.process.send_signal(signal.SIGHUP)
        until(lambda: '"event":"replaced the workers"' in log_since())
    assert len(workers(server)) == 2
    assert not workers(server) & former
    assert all(listening(pid, port_of(server)) for pid in workers(server))
    assert "a worker died" not in log_since()
    assert answers(server) == 200
    assert server.stop() == 0


@pytest.mark.campaign
def test_each_worker_also_listens_alone():
    first = free_ports(2)
    server = Server(ONSALE_WORKERS="2", ONSALE_WORKER_PORT=str(first))
    try:
        server.start()
        for port in (first, first + 1):
            assert len([p for p in workers(server) if listening(p, port)]) == 1
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"REDIS_URL": "redis://:secret@127.0.0.1:1/0"}, "REDIS_URL"),
        ({"REDIS_URL": "http://:secret@127.0.0.1"}, "REDIS_URL"),
        ({"DATABASE_URL": "postgresql://x:secret@127.0.0.1:1/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "nonsense:secret"}, "DATABASE_URL"),
    ],
)
def test_what_cannot_work_is_one_sentence(settings, named, tmp_path, database_url):
    given = {"DATABASE_URL": database_url, **settings}
    done = run_briefly(tmp_path / "data", "--port", "0", **given)
    assert done.returncode == 1, done.stderr
    said = done.stderr.decode().splitlines()
    assert len(said) == 1, said
    assert named in said[0]
    assert "secret" not in said[0]
    assert done.stdout == b""


def test_what_only_a_worker_finds_out_is_said_once(
    tmp_path, database_url, redis_server
):
    port = free_ports(2)
    with socket.create_server(("127.0.0.1", port)):
        settings = {"ONSALE_WORKER_PORT": str(port), "REDIS_URL": redis_server.url}
        settings["DATABASE_URL"] = database_url
        done = run_briefly(tmp_path / "data", "--port", "0", **settings)
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    said = [line for line in lines if line.startswith("onsale: ")]
    assert len(said) == 1, lines
    assert str(port) in said[0]
    assert b"Traceback" not in done.stderr


def run_briefly(
    data: Path, *arguments: str, **settings: str
) -> "subprocess.CompletedProcess[bytes]":
    """Start a server that must refuse."""
    return subprocess.run(
        serve_command("--workers", "2", "--data-dir", str(data), *arguments),
        cwd=REPOSITORY,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
    )


def listener(port: int, option: int) -> socket.socket:
    """Listen as asyncio does, with one more option."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, option, 1)
    made.bind(("127.0.0.1", port))
    made.listen()
    return made


def test_a_port_is_not_shared_unawares():
    with ReservedPort("127.0.0.1", 0) as ours:
        port = ours.number
        assert ours.url == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError, match="in use"), ReservedPort("127.0.0.1", port):
            pass
        with listener(port, socket.SO_REUSEPORT) as worker:
            with (
                pytest.raises(OSError, match="in use"),
                ReservedPort("127.0.0.1", port),
            ):
                pass
            # Who holds the port without listening gets none of the connections.
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", port), 5):
                    worker.accept()[0].close()


@pytest.mark.parametrize("option", [socket.SO_REUSEPORT, socket.SO_REUSEADDR])
@pytest.mark.campaign
def test_a_port_is_taken_over_from_a_server_that_was_just_stopped(option):
    with listener(0, option) as former:
        port = former.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            # Who closes first keeps the connection for a minute.
            former.accept()[0].close()
            assert client.recv(1) == b""
    with ReservedPort("127.0.0.1", port) as ours:
        assert ours.number == port
