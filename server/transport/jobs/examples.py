"""Examples of jobs, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples

JOB: Final = "ranking"
"""One that every server has."""

WAITING: Final[dict[str, Any]] = {
    "job": JOB,
    "state": "waiting",
    "every_s": 5.0,
    "next_at": "2027-03-01T18:00:05Z",
    "overdue": False,
    "process": "node-1.0.5f3a",
    "began_at": "2027-03-01T18:00:00Z",
    "ok_at": "2027-03-01T18:00:00Z",
    "took_ms": 4,
    "failed_at": None,
    "failures": 0,
    "error": None,
}

EXAMPLES: Final = Examples(
    answers={
        "list_jobs": {"items": [WAITING]},
        "run_job": {**WAITING, "next_at": "2027-03-01T18:00:02Z"},
    },
)
