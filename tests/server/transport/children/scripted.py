"""A child that does what it is told, for the tests of its limits."""

import json
import os
import time

from server.transport.children.child import run_job


def work(job: bytes) -> bytes:
    """Do one of a few things that a child may do."""
    name, _, rest = job.partition(b" ")
    if name == b"echo":
        return rest
    if name == b"environment":
        return json.dumps(sorted(os.environ)).encode()
    if name == b"memory":
        return bytes(1 << 30)[:1]
    if name == b"sleep":
        time.sleep(3_600)
    while name == b"time":
        pass
    raise AssertionError("a bug")


if __name__ == "__main__":
    run_job(work)
