import os
import time
from pathlib import Path

import pytest

from server.ops.health import machine
from server.ops.health.machine import (
    CpuUse,
    Disk,
    Memory,
    disk_of,
    fullest,
    memory,
    memory_bytes,
)


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


def group_of(folder: Path, bound: str) -> Path:
    group = folder / "group"
    group.mkdir()
    (group / "memory.max").write_text(f"{bound}\n")
    (group / "memory.current").write_text("700\n")
    (group / "memory.stat").write_text("anon 1\ninactive_file 200\n")
    return group


@pytest.fixture
def told(tmp_path):
    file = tmp_path / "meminfo"
    file.write_text(
        "MemTotal:  4 kB\nMemFree:  1 kB\nMemAvailable:  2 kB\nHugePages: 0\n"
    )
    return file


def test_memory_is_that_of_the_machine_where_nothing_bounds_it(told, tmp_path):
    machines = Memory(2_048, 4_096)
    assert memory(told, tmp_path / "none") == machines
    assert memory(told, group_of(tmp_path, "max")) == machines
    assert memory(tmp_path / "none") == Memory()
    here = memory()
    assert 0 < here.available_bytes < here.total_bytes


@pytest.mark.parametrize(
    ("bound", "left"),
    [
        ("1000", Memory(500, 1_000)),
        ("400", Memory(0, 400)),
        ("3000", Memory(2_048, 3_000)),
    ],
)
def test_memory_is_what_a_container_may_still_take(told, tmp_path, bound, left):
    """Of 700 that are taken 200 are files, which are given back when needed."""
    assert memory(told, group_of(tmp_path, bound)) == left


def test_a_bound_above_what_there_is_binds_nobody(told, tmp_path):
    assert memory(told, group_of(tmp_path, "9000")) == Memory(2_048, 4_096)
