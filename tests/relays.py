"""A relay of a beacon of our own, as a process beside a server under test."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from server.base.paths import import_path


@contextmanager
def run_relay() -> Iterator[tuple[str, str]]:
    """Run a relay with a round each second; give its address and chain."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "server", "beacon"),
            *("--port", "0", "--period-s", "1"),
        ],
        env={"PYTHONPATH": import_path()},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"at (\S+), chain (\w{64})", said)
        assert found is not None, said
        yield found[1], found[2]
    finally:
        process.terminate()
        process.communicate()
