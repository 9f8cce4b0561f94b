"""What each crowd of a demo does alike, in a process of its own.

It tells on its standard output how it goes, a JSON line at a time; the last is final.
"""

import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

import aiohttp
import msgspec
import uvloop
from msgspec import Struct

AnyReport = TypeVar("AnyReport")
AnyFinal = TypeVar("AnyFinal")


class Output(Struct, Generic[AnyReport, AnyFinal]):
    """One line of a crowd's standard output."""

    report: AnyReport | None = None
    said: str | None = None
    final: AnyFinal | None = None


def tell(line: Output[Any, Any]) -> None:
    """Write one line to the demo."""
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


async def visit(
    url: str, crowd: Callable[[aiohttp.ClientSession], Awaitable[Any]]
) -> None:
    """Run a crowd against a server, and tell what it wrote down."""
    # Each has a connection of their own; a limit would make them queue for it.
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector) as http:
        final = await crowd(http)
        tell(Output(report=final.report, final=final))


def run_process(visiting: Coroutine[Any, Any, None]) -> None:
    """Be the process of a crowd, until it has told everything."""
    # Ctrl-C is for the demo, which ends us in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # As many connections as the system lets us have.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        uvloop.run(visiting)
    except BrokenPipeError:
        # Nobody listens any more.
        sys.stderr.close()
        sys.exit(1)
