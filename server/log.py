"""Structured log lines: one JSON object per line on standard error."""

import sys
from typing import Any

import orjson
import structlog


def configure_logging(level: str) -> None:
    """Set up structlog once, at start."""
    numbers = {"debug": 10, "info": 20, "warning": 30, "error": 40}
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(numbers[level]),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
    )


def _dumps(line: Any, **_: Any) -> bytes:
    return orjson.dumps(line, default=repr)
