"""The child's end: `run_job` is the last line of a module that is started as one."""

import os
import resource
import sys
from collections.abc import Callable
from typing import Final

NICENESS: Final = 10
"""Whoever sells goes first."""

FILES_MAX: Final = 64
TOO_MUCH: Final = 3
"""The status of a child for which the memory was not enough."""


def run_job(work: Callable[[bytes], bytes]) -> None:
    """Do the one job of this process, within the limits that its arguments name."""
    memory_bytes, cpu_s = map(int, sys.argv[1:])
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_NOFILE, FILES_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    os.nice(NICENESS)
    try:
        answer = work(sys.stdin.buffer.read())
    except MemoryError:
        sys.exit(TOO_MUCH)
    sys.stdout.buffer.write(answer)
