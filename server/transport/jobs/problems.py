"""What may be wrong with a call about jobs."""

from typing import Final

from server.base.refusals.refusals import ProblemType

JOB_NOT_FOUND: Final = ProblemType("job_not_found", 404, "There is no such job.")
