import os
import time
from pathlib import Path

import pytest

from server.ops.health import machine
from server.ops.health.machine import CpuUse, Disk, disk_of, fullest, memory_bytes


def test_the_disk_is_that_of_the_folder_also_of_one_that_is_not_there_yet(tmp_path):
    stat = os.statvfs(tmp_path)
    for folder in (tmp_path, tmp_path / "later" / "data"):
        disk = disk_of(str(folder))
        assert disk.total_bytes == stat.f_blocks * stat.f_frsize
        assert 0 < disk.free_bytes <= disk.total_bytes


@pytest.mark.parametrize(
    ("total_bytes", "least_bytes"),
    [
        # A tenth, which is enough for a log of 1 GiB; not less than what a database
        # needs to go on for a while, and of a large disk no more than is easy.
        (10 << 30, (10 << 30) // 10),
        (1 << 30, 256 << 20),
        (1 << 40, 2 << 30),
    ],
)
def test_a_disk_that_fills_is_degraded_before_it_is_full(total_bytes, least_bytes):
    assert Disk(least_bytes, total_bytes).status == "ok"
    assert Disk(least_bytes, total_bytes).problem is None
    little = Disk(least_bytes - 1, total_bytes)
    assert little.status == "degraded"
    assert little.problem == f"Only {(least_bytes - 1) >> 20:,} MiB are free"


def test_a_disk_without_a_place_for_more_files_is_degraded_too():
    easy = (1 << 40, 1 << 41)
    assert Disk(*easy, 100, 1_000).status == "ok"
    assert Disk(*easy, 99, 1_000).problem == "There is a place for only 99 more files"
    # Of some file systems nobody counts them.
    assert Disk(*easy, 0, 0).status == "ok"


def test_of_several_disks_that_counts_which_is_full_first(monkeypatch):
    disks = {
        "large": Disk(3 << 30, 1 << 40),
        "small": Disk(1 << 30, 2 << 30),
        "files": Disk(1 << 40, 1 << 41, 1, 1_000),
    }
    monkeypatch.setattr(machine, "disk_of", disks.__getitem__)
    assert fullest(["small", "large"]) is disks["small"]
    assert fullest(["large", "small", "files"]) is disks["files"]


def test_memory_that_is_taken_is_seen(monkeypatch):
    before = memory_bytes()
    taken = bytes(64 << 20)
    touched = bytearray(taken)
    assert memory_bytes() >= before + (48 << 20)
    del touched
    # Where only the peak is known it is at least as much.
    monkeypatch.setattr(machine, "_STATM", Path("/nowhere"))
    assert memory_bytes() >= before + (48 << 20)


def test_work_is_seen_as_cores_kept_busy():
    use = CpuUse()
    ends = time.process_time() + 0.05
    while time.process_time() < ends:
        pass
    busy = use.cores()
    assert busy > 0
    use.mark()
    assert 0 < use.cores() <= (os.cpu_count() or 1) + 1
