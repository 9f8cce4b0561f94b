"""All followers of this process: who they are, when they go on, how far they are.

Cost: a batch adds its event to a set, and no more. A moment later those of which this
process speaks are told to each follower: others hear of theirs in their own processes,
and once a second all of them look what there is.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from aiohttp import web
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from inventory.changes import Change
from persistence.followers.follower import Follower
from persistence.followers.passes import Passes
from persistence.journal.stretches import marks_of
from server.base.jobs import Job
from server.live.followers.following import Following

WAKE_S: Final = 0.05
"""How soon followers hear of a commit: what comes meanwhile is one stretch."""

APART_S: Final = 0.15
"""How far apart they hear of commits where one follows the other: each stretch has a
dozen statements, for one booking as for forty."""

LAG_S_MAX: Final = 30.0
"""A follower that is farther behind is shown as a problem."""

FAILURES_MAX: Final = 2
"""So often it stumbles over an event before that is a problem: the first time it may
have met a database that was away for a moment."""


class Followers(Collector):
    """The followers of one process.

    `owns` tells whether this process speaks for an event; `job` what notes the runs of
    a follower.
    """

    def __init__(
        self, passes: Passes, owns: Callable[[str], bool], job: Callable[[str], Job]
    ) -> None:
        self.following: dict[str, Following] = {}
        self._passes = passes
        self._owns = owns
        self._job = job
        self._jobs: dict[str, Job] = {}
        self._moved: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._woke_at = -APART_S
        """When they last heard of any, by the loop's clock."""

    def add(
        self,
        follower: Follower,
        kinds: Sequence[type[Change]],
        after: str | None = None,
    ) -> None:
        """Let somebody follow all events, from when the server is open.

        Commits that are marked as without these `kinds` are not even read.

        Whoever needs the effects of another, which was added before, comes `after` it,
        and waits for it event by event.
        """
        name = follower.name
        if name in self.following:
            raise ValueError(f"there is a follower {name} already")
        self.following[name] = one = Following(
            follower, self._passes, marks_of(kinds), after
        )
        if after is not None:
            self.following[after].then.append(one)
        self._jobs[name] = self._job(f"follower {name}")

    def moved(self, event: str) -> None:
        """Take note that something was committed: on the path of every command."""
        if not self._moved:
            now = self._loop.time()
            self._loop.call_at(max(now + WAKE_S, self._woke_at + APART_S), self._wake)
        self._moved.add(event)

    async def run(self) -> None:
        """Let all of them follow, for ever; none waits for another."""
        async with asyncio.TaskGroup() as tasks:
            for name, one in self.following.items():
                tasks.create_task(one.run(self._jobs[name]), name=f"follower {name}")
            # With nobody to follow, the server runs on as well.
            await self._loop.create_future()

    def health(self) -> dict[str, object]:
        """Return what the health page shows: how far each is, and what it met."""
        problems: list[str] = []
        part: dict[str, object] = {"status": "ok" if self.following else "off"}
        for name, one in self.following.items():
            stuck = [t for t in one.troubles.values() if t.failures >= FAILURES_MAX]
            behind = one.behind
            part[name] = {
                "events_behind": behind.events_behind,
                "versions_behind": behind.versions_behind,
                "lag_s": round(behind.lag_s, 3),
                "events_failing": len(stuck),
            }
            if stuck:
                problems.append(
                    f"The follower “{name}” cannot go on with {len(stuck)} events,"
                    f" last with {stuck[-1].kind}."
                )
            if behind.lag_s > LAG_S_MAX:
                problems.append(
                    f"The follower “{name}” is {behind.lag_s:.0f} s behind."
                )
        if problems:
            part |= {"status": "degraded", "problems": problems}
        return part

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics, each by the name of the follower."""
        gauges: tuple[tuple[str, str, Callable[[Following], float]], ...] = (
            (
                "onsale_follower_events_behind",
                "Events of which something is not followed yet.",
                lambda one: one.behind.events_behind,
            ),
            (
                "onsale_follower_versions_behind",
                "Versions of events that are not followed yet.",
                lambda one: one.behind.versions_behind,
            ),
            (
                "onsale_follower_lag_seconds",
                "How long the oldest version has been waiting to be followed.",
                lambda one: one.behind.lag_s,
            ),
            (
                "onsale_follower_events_failing",
                "Events that a follower could not go on with the last time.",
                lambda one: len(one.troubles),
            ),
        )
        for title, text, read in gauges:
            gauge = GaugeMetricFamily(title, text, labels=["follower"])
            for name, one in self.following.items():
                gauge.add_metric([name], read(one))
            yield gauge
        counter = CounterMetricFamily(
            "onsale_follower_versions",
            "Versions of events whose effects this process made.",
            labels=["follower"],
        )
        for name, one in self.following.items():
            counter.add_metric([name], one.followed)
        yield counter

    def _wake(self) -> None:
        self._woke_at = self._loop.time()
        moved, self._moved = self._moved, set()
        ours = [event for event in moved if self._owns(event)]
        if ours:
            for one in self.following.values():
                # Who comes after another has nothing to do before that one is done.
                if one.after is None:
                    one.wake(ours)


FOLLOWERS: Final = web.AppKey("followers", Followers)
