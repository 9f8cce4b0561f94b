import os
import time
from pathlib import Path

from server.ops.health import machine
from server.ops.health.machine import CpuUse, Disk, disk_of, memory_bytes


def test_the_disk_is_that_of_the_folder_also_of_one_that_is_not_there_yet(tmp_path):
    stat = os.statvfs(tmp_path)
    for folder in (tmp_path, tmp_path / "later" / "data"):
        disk = disk_of(str(folder))
        assert disk.total_bytes == stat.f_blocks * stat.f_frsize
        assert 0 < disk.free_bytes <= disk.total_bytes


def test_a_disk_that_is_nearly_full_is_degraded():
    least = machine.DISK_BYTES_MIN
    assert Disk(least, 1 << 40).status == "ok"
    assert Disk(least - 1, 1 << 40).status == "degraded"


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
