"""How the server is: what each process says of itself, made one.

Purpose: whichever process is asked, it tells of the whole server, so that two of them
never say different things. A part is as bad as the process that has it worst; of what
all processes try in turn, such as sending mails, the last try counts, whose it was.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from server.base.jobs import JobState
from server.ops.health.machine import Disk

GOOD: Final = frozenset({"ok", "off"})
_ORDER: Final = ("off", "ok", "degraded", "down")

FAILURES_MAX: Final = 2
"""So many runs of a job fail one after the other before the server is not well: the
first may have met a database that was away for a moment."""

Part = dict[str, Any]


class Condition(Struct, kw_only=True):
    """What one process says of itself."""

    process: str
    node: str
    ready: bool
    """Whether clients may be sent to it."""
    queue_depth: int
    """Commands that wait for the actors of events."""
    activity_waiting: int
    """Records of activity that wait to be stored."""
    connections: int
    """Open connections of clients, the websockets among them."""
    websockets: int
    memory_bytes: int
    cpu_seconds: float
    """Used since its start."""
    cpu_cores: float
    """How many it kept busy over the last seconds."""
    disk: Disk
    jobs: dict[str, JobState]
    parts: dict[str, Part]


def merge_parts(conditions: Iterable[Condition]) -> dict[str, Part]:
    """Return each part as it is in the whole server."""
    merged: dict[str, Part] = {}
    for condition in conditions:
        for name, part in condition.parts.items():
            known = merged.get(name)
            if known is None or _counts_more(part, known):
                merged[name] = part
    return merged


def _counts_more(part: Part, known: Part) -> bool:
    if "tried_at" in part:
        # As they are written, later times are greater; None is before all.
        return (part["tried_at"] or "") > (known.get("tried_at") or "")
    return _badness(part) > _badness(known)


def _badness(part: Part) -> int:
    status = part.get("status")
    return _ORDER.index(status) if status in _ORDER else len(_ORDER)


def merge_jobs(conditions: Iterable[Condition]) -> dict[str, JobState]:
    """Return how each job goes; one that fails anywhere is told of first."""
    merged: dict[str, JobState] = {}
    for condition in conditions:
        for name, state in condition.jobs.items():
            known = merged.get(name)
            if known is None or _rank(state) > _rank(known):
                merged[name] = state
    return merged


def _rank(state: JobState) -> tuple[int, float]:
    ran_at = state.last_run_at
    return state.failures, 0.0 if ran_at is None else ran_at.timestamp()


def problems_of(
    conditions: Iterable[Condition],
    silent: Iterable[str],
    parts: Mapping[str, Part],
    jobs: Mapping[str, JobState],
) -> list[str]:
    """Return in sentences what is wrong; the server is well where that is nothing."""
    problems = [f"The process {one} does not answer the others." for one in silent]
    for condition in conditions:
        if not condition.ready:
            problems.append(f"The process {condition.process} takes no clients now.")
        if condition.disk.problem is not None:
            problems.append(
                f"{condition.disk.problem} where the data of the process"
                f" {condition.process} are."
            )
    for name, part in parts.items():
        if part.get("status") not in GOOD:
            told = part.get("problems") or [f"The {name} is {part.get('status')}."]
            problems += told
    problems += [
        f"The job “{name}” failed {state.failures} times in a row,"
        f" last with {state.last_error}."
        for name, state in jobs.items()
        if state.failures >= FAILURES_MAX
    ]
    return list(dict.fromkeys(problems))
