"""The database that a server started itself is kept alive, and its promises hold."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from persistence.data_directory import DataDirectory
from persistence.embedded import running_url
from persistence.embedded.places import CLUSTER, existing_home
from persistence.embedded.postmaster import PidFile
from tests.contract.process import Server
from tests.faults.database import mount
from tests.faults.disk import can_mount, switch_segment
from tests.faults.ledger import Ledger
from tests.faults.rig import SETTLE_S_MAX, Load, make_event

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

KILLS = 3
BUYERS = 12
DISK_BYTES = 800 << 20
DISK_NEARLY_FULL_BYTES = 200 << 20
PATIENCE_S = 60.0


def until(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    ends = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends, "it did not come in time"
        time.sleep(0.02)


def cluster_of(server: Server) -> Path:
    home = existing_home(DataDirectory(server.data))
    assert home is not None
    return home / CLUSTER


def postmaster(server: Server) -> int | None:
    """Give the process of the database, while that says that it is ready."""
    said = PidFile.read(cluster_of(server))
    return said.pid if said is not None and said.is_ready else None


def until_another(server: Server, former: int) -> None:
    until(lambda: postmaster(server) not in {None, former})


def state_of(pid: int) -> str | None:
    """Give the letter of a process's state, Z for a zombie; None once it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat.rpartition(")")[2].split()[0]


def status(server: Server, path: str) -> int:
    try:
        with urllib.request.urlopen(server.url + path, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture(params=["1", "2"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(ONSALE_WORKERS=request.param)
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="onsale-own-", dir="/var/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.attack
def test_a_killed_database_of_ours_is_back_and_nothing_is_lost(
    server: Server, folder: Path
):
    """A killed database of ours is back in seconds; nothing is lost or sold twice."""
    event = asyncio.run(make_event(server))
    history = folder / "history.jsonl"
    url = running_url(DataDirectory(server.data))
    assert url is not None
    ledger = Ledger(history, url, event)
    load = Load([server.url], event, history, BUYERS, 2)
    found: list[str] = []
    try:
        assert load.wait_for_flow(time.monotonic()) is not None
        for _ in range(KILLS):
            killed = postmaster(server)
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            began = time.monotonic()
            until_another(server, killed)
            assert state_of(killed) is None
            assert load.wait_for_flow(began, PATIENCE_S) is not None
        # What buyers wait for longer than a stop takes is told in the history.
        said = load.tell("settle", within_s=SETTLE_S_MAX)
        found += said["violations"]
    finally:
        load.end()
    found += ledger.judge()
    assert found == []
    assert any(line["r"] and line["r"]["op"] == "ok" for line in ledger.lines)
    until(lambda: status(server, "/readyz") == 200)
    assert status(server, "/livez") == 200
    assert server.log().count('"event":"it was started again"') >= KILLS
    assert server.stop() == 0


@pytest.mark.campaign
def test_a_database_that_cannot_come_back_ends_the_server_with_the_reason(
    server: Server,
):
    """A database of ours that stays away ends the server, with the reason."""
    killed = postmaster(server)
    assert killed is not None
    conf = cluster_of(server) / "postgresql.conf"
    conf.write_text("no_such_setting = 1\n")
    os.kill(killed, signal.SIGKILL)
    assert server.process is not None
    code = server.process.wait(4 * PATIENCE_S)
    assert code == 1
    last = server.log().splitlines()[-1]
    assert last.startswith("onsale: ")
    assert "postgres.log" in last
    assert "configuration file" in last
    assert state_of(killed) is None
    server.process = None


def health(server: Server) -> dict[str, object]:
    with urllib.request.urlopen(server.url + "/health", timeout=60) as answer:
        told = json.load(answer)
    assert isinstance(told, dict)
    return told


def leave(folder: Path, free_bytes: int) -> None:
    """Write a file until a disk has only so much left, which may be nothing."""
    with (folder / "ballast").open("ab", buffering=0) as file:
        while True:
            left = os.statvfs(folder)
            more = left.f_bavail * left.f_frsize - free_bytes
            if more <= 0:
                return
            try:
                file.write(bytes(min(more, 1 << 20)))
            except OSError:
                return


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    if not can_mount():
        pytest.skip("we may not mount a disk here")
    disk = folder / "disk"
    disk.mkdir()
    mount(disk, DISK_BYTES)
    folder.chmod(0o755)
    disk.chmod(0o755)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.campaign
def test_a_disk_that_fills_is_told_before_it_is_full_and_survived(
    small_disk: Path, folder: Path
):
    server = Server(parent=small_disk)
    try:
        server.start()
        assert health(server)["problems"] == []
        leave(small_disk, DISK_NEARLY_FULL_BYTES)
        assert "MiB are free where the data" in str(health(server)["problems"])
        assert health(server)["status"] == "degraded"
        event = asyncio.run(make_event(server))
        history = folder / "history.jsonl"
        url = running_url(DataDirectory(server.data))
        assert url is not None
        ledger = Ledger(history, url, event)
        load = Load([server.url], event, history, BUYERS, 0)
        try:
            assert load.wait_for_flow(time.monotonic()) is not None
            leave(small_disk, 0)
            # The log needs a new segment, for which there is no room.
            for _ in range(3):
                switch_segment(url)
                time.sleep(1.0)
            (small_disk / "ballast").unlink()
            began = time.monotonic()
            assert load.wait_for_flow(began, PATIENCE_S) is not None
            said = load.tell("settle", within_s=SETTLE_S_MAX)
        finally:
            load.end()
        assert said["violations"] + ledger.judge() == []
        assert status(server, "/readyz") == 200
    finally:
        server.remove()
