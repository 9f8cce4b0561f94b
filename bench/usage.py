"""CPU time and memory of processes, read from /proc."""

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PPID, _UTIME, _STIME = 1, 11, 12  # fields of stat, counted after the command's name


def cpu_seconds(pids: list[int]) -> float:
    """CPU time that these processes and their living descendants have used so far."""
    return cpu_by_group({"these": pids})["these"]


def cpu_by_group(groups: dict[str, list[int]]) -> dict[str, float]:
    """The same for several groups of processes, with one look at all processes."""
    if not any(groups.values()):
        return dict.fromkeys(groups, 0.0)
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            stat = (entry / "stat").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        fields = stat.rpartition(")")[2].split()
        parents[int(entry.name)] = int(fields[_PPID])
        ticks[int(entry.name)] = int(fields[_UTIME]) + int(fields[_STIME])
    return {
        name: sum(ticks[pid] for pid in ticks if _descends(pid, set(pids), parents))
        / float(_TICKS_PER_S)
        for name, pids in groups.items()
    }


def machine_seconds() -> float:
    """CPU time that everything on this machine has used so far."""
    with open("/proc/stat") as file:
        ticks = [int(field) for field in file.readline().split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq = ticks[:7]
    return (user + nice + system + irq + softirq) / float(_TICKS_PER_S)


def _descends(pid: int, wanted: set[int], parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid in wanted:
            return True
        pid = parents.get(pid, 0)
    return False


def resident_bytes(pid: int) -> int:
    """Memory of one process that is in RAM, without its children."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
