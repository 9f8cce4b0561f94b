"""Ports that nobody listens at."""

import contextlib

from server.reserved_port import ReservedPort


def free_ports(count: int) -> int:
    """Find neighbouring ports that nobody listens at now; return the first."""
    for _ in range(100):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            first = stack.enter_context(ReservedPort("127.0.0.1", 0)).number
            for port in range(first + 1, first + count):
                stack.enter_context(ReservedPort("127.0.0.1", port))
            return first
    raise AssertionError("no free ports")
