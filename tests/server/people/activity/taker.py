"""A process that takes records from the stream and never stores them: to be killed.

`python -m tests.server.people.activity.taker URL` says how many it took, and waits.
"""

import asyncio
import sys

from server.people.activity.stream import Stream
from tests.server.people.activity.conftest import CLUSTER, SECRET


async def take(url: str) -> None:
    stream = Stream(url, CLUSTER, SECRET, "taker")
    await stream.found()
    entries = await stream.read()
    sys.stdout.write(f"{len(entries)}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(take(sys.argv[1]))
