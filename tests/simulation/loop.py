"""A virtual event loop: time jumps to the next timer, and the seed chooses who runs.

One `Scheduler` turns the whole world. What is outside of our processes (clients, wires,
the database) calls it directly; each process has a `ProcessLoop`, an asyncio event loop
with a clock of its own that can be paused and killed. No IO, no threads, no real time.
"""

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any

STEPS_MAX = 3_000_000
"""More callbacks than any run needs: somebody runs in circles."""


class Livelock(Exception):
    """The world goes on turning and gets nowhere."""


class Handle:
    """A callback on its way; stands for asyncio's `Handle` and `TimerHandle`."""

    __slots__ = ("_when", "args", "callback", "loop")

    def __init__(
        self,
        loop: "ProcessLoop | None",
        callback: Callable[..., object],
        args: tuple[Any, ...],
        when: float = 0.0,
    ) -> None:
        self.loop = loop
        self.callback: Callable[..., object] | None = callback
        self.args = args
        self._when = when

    def cancel(self) -> None:
        self.callback = None
        self.args = ()

    def cancelled(self) -> bool:
        return self.callback is None

    def when(self) -> float:
        return self._when


class Scheduler:
    """Virtual time, what is due, and what can run now."""

    def __init__(self, random: Random, shuffle: float) -> None:
        self.now = 0.0
        self.steps = 0
        self.errors: list[str] = []
        self.ready: deque[Handle] = deque()
        self._random = random
        self._shuffle = shuffle
        self._timers: list[tuple[float, int, Handle]] = []
        self._pushed = 0

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.ready.append(Handle(None, callback, args))

    def call_later(
        self, delay_s: float, callback: Callable[..., object], *args: Any
    ) -> Handle:
        handle = Handle(None, callback, args)
        self.push(self.now + delay_s, handle)
        return handle

    def push(self, at: float, handle: Handle) -> None:
        self._pushed += 1
        heappush(self._timers, (at, self._pushed, handle))

    def run(self, until: float) -> None:
        """Turn the world until that time. Raises `Livelock`."""
        timers = self._timers
        try:
            while True:
                self._turn()
                if not timers or timers[0][0] > until:
                    break
                self.now = max(self.now, timers[0][0])
                while timers and timers[0][0] <= self.now:
                    handle = heappop(timers)[2]
                    if handle.callback is not None:
                        self.ready.append(handle)
        finally:
            events._set_running_loop(None)
        self.now = max(self.now, until)

    def _turn(self) -> None:
        """Run what can run, mostly in order, now and then out of order."""
        ready, random, shuffle = self.ready, self._random.random, self._shuffle
        running: ProcessLoop | None = None
        events._set_running_loop(None)
        while ready:
            waiting = len(ready)
            if shuffle and waiting > 1 and random() < shuffle:
                ready.rotate(-int(random() * waiting))
            handle = ready.popleft()
            callback, loop = handle.callback, handle.loop
            if callback is None:
                continue
            if loop is not None:
                if not loop.alive:
                    continue
                if loop.paused:
                    loop.parked.append(handle)
                    continue
            if loop is not running:
                running = loop
                events._set_running_loop(loop)
            self.steps += 1
            try:
                callback(*handle.args)
            except Exception as error:
                self.errors.append(f"A callback raised {error!r}")
            if self.steps > STEPS_MAX:
                raise Livelock(f"{STEPS_MAX} callbacks by second {self.now:.3f}")


class NumberedTask(asyncio.Task[Any]):
    """A task whose place in a set does not depend on where it lies in memory."""

    def __init__(self, number: int, *args: Any, **options: Any) -> None:
        self.number = number
        super().__init__(*args, **options)

    def __hash__(self) -> int:
        return self.number


class ProcessLoop(asyncio.AbstractEventLoop):
    """The event loop of one process, with a clock that may be off and drift.

    Each look at the clock costs `look_s`: what works in slices is cut into slices.
    """

    def __init__(
        self, scheduler: Scheduler, offset_s: float, rate: float, look_s: float
    ) -> None:
        self.scheduler = scheduler
        self.offset_s, self.rate, self.look_s = offset_s, rate, look_s
        self.alive = True
        self.paused = False
        self.parked: list[Handle] = []
        self.tasks: list[NumberedTask] = []
        self.world: Any = None
        """What the process is in, for what stands in the place of shipped code."""

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        if self.paused:
            self.paused = False
            self.scheduler.ready.extend(self.parked)
            self.parked.clear()

    def kill(self) -> None:
        self.alive = False
        self.parked.clear()

    def dispose(self) -> None:
        """Let go of what still waits, without a word from the garbage collector."""
        self.alive = False
        for task in self.tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
        self.tasks.clear()

    # What asyncio, and the shipped code, ask of a loop.

    def time(self) -> float:
        self.scheduler.now += self.look_s
        return self.scheduler.now * self.rate + self.offset_s

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> Handle:
        handle = Handle(self, callback, args)
        self.scheduler.ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Any = None,
    ) -> Handle:
        return self._call_at(self.scheduler.now + delay / self.rate, callback, args)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Any = None,
    ) -> Handle:
        return self._call_at((when - self.offset_s) / self.rate, callback, args)

    def _call_at(
        self, at: float, callback: Callable[..., object], args: tuple[Any, ...]
    ) -> Handle:
        handle = Handle(self, callback, args, at * self.rate + self.offset_s)
        self.scheduler.push(at, handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> NumberedTask:
        task = NumberedTask(len(self.tasks), coro, loop=self, **options)
        self.tasks.append(task)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        future.set_result(func(*args))
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self.alive:
            self.scheduler.errors.append(
                f"{context.get('message')}: {context.get('exception')!r}"
            )

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False
