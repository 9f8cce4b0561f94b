"""`bench memory`: what a connection that only watches costs the server in memory.

Measured is the growth of the server's resident memory by connection, beside that of a
bare aiohttp websocket server in the same run: what is left after that is ours. Then
some more watch and read nothing while seats change: what they take in addition. Memory
of the kernel's sockets is not in it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from msgspec import Struct, structs

from bench.children import ChildError
from bench.contenders import Running, start_echo
from bench.drive import Load, drive
from bench.lab import Lab, describe
from bench.onsale import start_onsale
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.partner import Partner
from bench.usage import resident_bytes
from bench.watching import Party, Question, Ready, Seen

KIB_MAX = 25.0
TO_BARE_MAX = 1.4
STALLED_KIB_MAX = 32.0
STALLED = 500
CHANGES_PER_S = 100.0
"""While the stalled ones read nothing; and for so long:"""

STALLED_S = 6.0
BUYERS = 20
SEATS = 20_000
STALLING = "onsale, stalled"
WARM = 200
"""Connections opened before the first look, which pay for what is made only once."""

CONNECT_TIMEOUT_S = 180
LOOKS = 3


class Step(Struct, kw_only=True):
    """The memory of a server with so many connections."""

    server: str
    connections: int
    grown_bytes: int
    kib_each: float
    first_frame_bytes: int


async def measure(lab: Lab, steps: list[int], settle_s: float) -> Outcome:
    """Open connections in steps to one server after the other."""
    found: list[Step] = []
    faults: list[str] = []
    for name, start in (("bare aiohttp", start_echo), ("onsale", start_onsale)):
        async with AsyncExitStack() as stack:
            crowd = Crowd(stack, await start(stack, lab, 1), settle_s)
            await crowd.grow(WARM)
            empty = crowd.resident_bytes
            for step in steps:
                await crowd.grow(WARM + step)
                grown = crowd.resident_bytes - empty
                found.append(
                    Step(
                        server=name,
                        connections=step,
                        grown_bytes=grown,
                        kib_each=grown / step / 1024,
                        first_frame_bytes=crowd.first_frame_bytes,
                    )
                )
            faults += [f"{name}: {fault}" for fault in await crowd.faults()]
            if name == "onsale":
                found.append(await crowd.stall(WARM + max(steps)))
    return _outcome(found, faults, settle_s, await describe(lab))


class Crowd:
    """The connections to one server."""

    def __init__(
        self, stack: AsyncExitStack, running: Running, settle_s: float
    ) -> None:
        self.resident_bytes = 0
        self.first_frame_bytes = 0
        self._stack = stack
        self._running = running
        self._settle_s = settle_s
        self._partners: list[Partner] = []
        self._connections = 0

    async def grow(self, connections: int, *, stalled: bool = False) -> None:
        """Open more, up to so many, and look at the server after a rest."""
        running = self._running
        watchers = await Partner.start(self._stack, "bench.watching")
        party = Party(
            url=f"ws://{running.address}/v1/ws",
            tokens=running.tokens[self._connections : connections],
            event=running.events[0],
            stalled=stalled,
        )
        ready = await watchers.ask(party, Ready, CONNECT_TIMEOUT_S)
        self._partners.append(watchers)
        self._connections = connections
        self.first_frame_bytes = ready.first_frame_bytes
        looks = []
        for _ in range(LOOKS):
            await asyncio.sleep(self._settle_s / LOOKS)
            looks.append(resident_bytes(running.server_pids[0]))
        self.resident_bytes = max(looks)

    async def stall(self, first: int) -> Step:
        """Let more watch who read nothing, while seats change; who is first of them."""
        await self.grow(first + STALLED, stalled=True)
        buyers = structs.replace(self._running, tokens=self._running.tokens[-BUYERS:])
        load = Load(
            rate=CHANGES_PER_S,
            seconds=STALLED_S,
            warmup=0.0,
            seats_per_event=SEATS,
            seats_per_hold=1,
        )
        driven = await drive(self._stack, load, buyers)
        if driven.figures.faults or not driven.figures.accepted:
            raise ChildError(f"the sale beside: {driven.figures.faults}")
        most = max(mib for _, mib in driven.curves.memory) * 2**20
        grown = max(0, int(most) - self.resident_bytes)
        return Step(
            server=STALLING,
            connections=STALLED,
            grown_bytes=grown,
            kib_each=grown / STALLED / 1024,
            first_frame_bytes=self.first_frame_bytes,
        )

    async def faults(self) -> list[str]:
        """Say what went wrong with the connections, which have to be open still."""
        found = []
        for watchers in self._partners:
            seen = await watchers.ask(Question(begin=0, end=0), Seen, 60)
            found += [f"{fault}, {n} times" for fault, n in seen.faults.items()]
        return found


def judge(steps: list[Step]) -> list[str]:
    """Say where a watcher takes more than it may; the bare server has no figure."""
    return [
        f"{step.connections:,} idle watchers take {step.kib_each:.1f} KiB each,"
        f" more than {KIB_MAX:g}"
        for step in steps
        if step.server == "onsale" and step.kib_each > KIB_MAX
    ] + [
        f"{step.connections:,} who read nothing take {step.kib_each:.1f} KiB more each,"
        f" over {STALLED_KIB_MAX:g}"
        for step in steps
        if step.server == STALLING and step.kib_each > STALLED_KIB_MAX
    ]


def _outcome(
    steps: list[Step], faults: list[str], settle_s: float, machine: dict[str, object]
) -> Outcome:
    bare = {s.connections: s.kib_each for s in steps if s.server == "bare aiohttp"}
    return Outcome(
        bench="memory",
        title=f"Memory per idle connection that watches {SEATS:,} seats",
        columns=["server", "connections", "grown MiB", "KiB each", "first frame KiB"],
        rows=[
            [
                step.server,
                f"{step.connections:,}",
                f"{step.grown_bytes / 2**20:.1f}",
                f"{step.kib_each:.1f}",
                f"{step.first_frame_bytes / 1024:.1f}",
            ]
            for step in steps
        ],
        values=[
            Value(
                name=f"{step.connections:,} idle watchers, to the bare server",
                value=step.kib_each / bare[step.connections],
                at_most=TO_BARE_MAX,
            )
            for step in steps
            if step.server == "onsale" and bare[step.connections]
        ],
        figures={"kib_max": KIB_MAX, "settle_s": settle_s, "steps": steps},
        notes=[
            f"With {step.connections:,}: {step.kib_each - bare[step.connections]:+.1f}"
            " KiB to the bare server."
            for step in steps
            if step.server == "onsale"
        ],
        missed=judge(steps) + faults,
        machine=machine,
    )


def make_work(steps: list[int], settle_s: float) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        connections = max(steps) + WARM + STALLED + BUYERS
        shape = lab.shaped(connections=connections, seats_per_event=SEATS)
        return await measure(shape, steps, settle_s)

    return work


def memory(
    *,
    connections: tuple[int, ...] = (2_000, 5_000),
    settle: float = 3.0,
    common: Common = HERE,
) -> int:
    """Measure the server's memory per connection that watches an event.

    Ends with 1 where a
    watcher takes more than 25 KiB.

    Parameters
    ----------
    connections
        Numbers of connections to look at, rising.
    settle
        Seconds of rest before each look.
    """
    return in_lab(make_work(sorted(connections), settle), common)
