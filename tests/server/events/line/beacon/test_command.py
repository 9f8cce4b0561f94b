"""The command as one types it: a relay that can be asked, and ends when told to."""

import asyncio
import os
import re
import signal
import sys

from server.base.paths import import_path
from server.events.line.beacon.relays import Relays, learn


async def test_a_beacon_is_served_until_it_is_told_to_stop():
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "server", "beacon"),
        *("--port", "0", "--period-s", "1"),
        env={"PYTHONPATH": import_path(), "PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        said = (await process.stdout.readline()).decode()
        found = re.fullmatch(
            r"onsale beacon is ready at (http://127\.0\.0\.1:\d+), chain (\w{64})\n",
            said,
        )
        assert found is not None, said
        url, chain = found.groups()
        beacon = await learn([url], chain, timeout_s=60)
        assert beacon.period_s == 1
        relays = Relays(beacon, [url], timeout_s=60)
        try:
            assert relays.verify(1, await relays.fetch(1))
        finally:
            await relays.close()
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
