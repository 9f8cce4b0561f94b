from datetime import UTC, datetime

import pytest

from server.base.jobs import Job, JobState

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def run(job: Job, error: BaseException | None) -> None:
    with job:
        if error is not None:
            raise error


def test_a_job_tells_of_its_last_run_and_its_last_error():
    times = [NOON.replace(hour=hour) for hour in (12, 13, 14)]
    job = Job(iter(times).__next__)
    assert job.state == JobState()
    for _ in range(2):
        with pytest.raises(ConnectionError):
            run(job, ConnectionError("secret.example.org is away"))
    assert job.state.failures == 2
    assert (job.state.last_error, job.state.last_error_at) == (
        "ConnectionError",
        times[1],
    )
    run(job, None)
    assert (job.state.last_run_at, job.state.failures) == (times[2], 0)
    assert job.state.last_error_at == times[1]


def test_a_run_that_is_stopped_is_none():
    job = Job()
    with pytest.raises(KeyboardInterrupt):
        run(job, KeyboardInterrupt())
    assert job.state == JobState()
