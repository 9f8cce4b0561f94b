"""What processes say of themselves becomes one answer, which says what is wrong."""

from datetime import UTC, datetime
from typing import Any

import pytest

from server.base.jobs import JobState
from server.ops.health.condition import (
    Condition,
    merge_jobs,
    merge_parts,
    problems_of,
)
from server.ops.health.machine import DISK_BYTES_MIN, Disk

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def condition(process: str = "n.0", **more: Any) -> Condition:
    usual: dict[str, Any] = {
        "node": "n",
        "ready": True,
        "queue_depth": 0,
        "activity_waiting": 0,
        "connections": 0,
        "websockets": 0,
        "memory_bytes": 1,
        "cpu_seconds": 1.0,
        "cpu_cores": 0.1,
        "disk": Disk(DISK_BYTES_MIN, DISK_BYTES_MIN),
        "jobs": {},
        "parts": {},
    }
    return Condition(process=process, **usual | more)


def told(*conditions: Condition, silent: tuple[str, ...] = ()) -> list[str]:
    parts, jobs = merge_parts(conditions), merge_jobs(conditions)
    return problems_of(conditions, silent, parts, jobs)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_part_is_as_bad_as_where_it_is_worst(turn):
    both = [
        condition("n.0", parts={"database": {"status": "down"}}),
        condition("n.1", parts={"database": {"status": "degraded"}}),
        condition(
            "n.2", parts={"database": {"status": "ok"}, "bus": {"status": "off"}}
        ),
    ][::turn]
    assert merge_parts(both) == {
        "database": {"status": "down"},
        "bus": {"status": "off"},
    }
    assert told(*both) == ["The database is down."]


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(("last", "status"), [("ok", "ok"), ("degraded", "degraded")])
def test_of_what_all_try_the_last_try_counts(turn, last, status):
    other = "ok" if last == "degraded" else "degraded"
    processes = [
        condition("n.0", parts={"mail": {"status": "ok", "tried_at": None}}),
        condition("n.1", parts={"mail": {"status": other, "tried_at": "2027-03-01"}}),
        condition("n.2", parts={"mail": {"status": last, "tried_at": "2027-03-02"}}),
    ][::turn]
    assert merge_parts(processes)["mail"]["status"] == status


def test_all_that_is_wrong_is_said_in_sentences():
    assert told(condition()) == []
    assert told(
        condition("n.0", ready=False, disk=Disk(3 << 20, 1 << 30)),
        condition(
            "n.1",
            parts={"mail": {"status": "degraded", "problems": ["No mail leaves."]}},
            jobs={"ranking": JobState(last_error="Unavailable", failures=2)},
        ),
        silent=("n.2",),
    ) == [
        "The process n.2 does not answer the others.",
        "The process n.0 takes no clients now.",
        "Only 3 MiB are free where the data of the process n.0 are.",
        "No mail leaves.",
        "The job “ranking” failed 2 times in a row, last with Unavailable.",
    ]


def test_a_job_that_failed_once_may_have_met_a_moment():
    jobs = {"ranking": JobState(last_error="Unavailable", failures=1)}
    assert told(condition(jobs=jobs)) == []


def test_a_job_is_told_of_where_it_fails_and_else_where_it_ran_last():
    early, late = (JobState(last_run_at=NOON.replace(hour=h)) for h in (12, 13))
    failing = JobState(last_run_at=NOON, failures=1)
    for states, shown in (
        ((early, late), late),
        ((late, JobState(), early), late),
        ((late, failing), failing),
    ):
        processes = [condition(jobs={"ranking": state}) for state in states]
        assert merge_jobs(processes) == {"ranking": shown}
