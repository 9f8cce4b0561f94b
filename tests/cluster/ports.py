"""Ports that nobody listens at."""

import contextlib
import random

from server.ops.process.reserved_port import ReservedPort


def free_ports(count: int) -> int:
    """Find neighbouring ports that nobody listens at now; return the first.

    They are below those that the system gives to connections: of these, some are always
    in use where many come and go.
    """
    for _ in range(100):
        first = random.randrange(20_000, 32_000)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(ReservedPort("127.0.0.1", port))
            return first
    raise AssertionError("no free ports")
