"""Structured log lines: one JSON object per line on standard error.

What libraries tell Python's own logging, and its warnings, become lines of the same
form. So do the traces of callbacks and tasks that asyncio reports.

A name, an address or a mail server's answer may hold characters that move a terminal's
cursor, rename its window or answer in the operator's place. Neither a line of the log
nor what a command prints has them: `plain` writes them out, with those that turn the
direction of the text round.
"""

import logging
import re
import sys
import unicodedata
from contextvars import ContextVar
from typing import Any, BinaryIO, Final, cast

import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.types import EventDict

REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The request that is being answered, if one is: each line logged then names it."""

DELETE: Final = b"\x7f"
"""The one control of ASCII that JSON does not write out."""

_NOT_ASCII: Final = re.compile(r"[^\n\x20-\x7e]")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, formats such as the marks of direction, half characters, separators."""

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_logging(level: str, worker: int | None = None) -> None:
    """Set up structlog and Python's logging once, at start.

    Each line carries the number of the worker where there are several.
    """
    add_worker = [] if worker is None else [_WorkerNumber(worker)]
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        processors=[
            structlog.contextvars.merge_contextvars,
            *add_worker,
            _add_request,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(
            cast(BinaryIO, Output(sys.stderr.buffer))
        ),
    )
    logging.basicConfig(handlers=[Forward()], level=LEVELS[level], force=True)
    logging.captureWarnings(True)


class Output:
    """Where lines go, and may fail to: then they are lost, and nobody else with them.

    A full disk under the log, or a reader of it that ended, is no reason to stop
    selling. How many lines were lost is told with the next that is written.
    """

    def __init__(self, file: BinaryIO) -> None:
        # Below the buffer, which would keep what could not be written.
        self._file: Any = getattr(file, "raw", file)
        self._lost = 0

    def write(self, line: bytes) -> None:
        """Write one line, if that can be."""
        try:
            if self._lost:
                told = {"event": "lines of the log were lost", "lines": self._lost}
                self._put(_dumps(told | {"level": "warning"}) + b"\n")
                self._lost = 0
            self._put(line)
        except OSError:
            self._lost += 1

    def flush(self) -> None:
        """Do nothing: what is written has left."""

    def _put(self, data: bytes) -> None:
        while data:
            written = self._file.write(data)
            if not written:
                raise BlockingIOError
            data = data[written:]


class Forward(logging.Handler):
    """Gives the records of Python's logging to structlog.

    Bytes that are no HTTP are no error of the server: everybody on the internet sends
    some, and aiohttp would log a trace for each.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as a line of ours."""
        log = structlog.get_logger()
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            log.debug("what came was no http", reason=type(error).__name__)
            return
        # structlog knows the usual levels only.
        level = max(min(record.levelno // 10 * 10, logging.ERROR), logging.DEBUG)
        fields: dict[str, Any] = {"logger": record.name}
        if error is not None:
            fields["exc_info"] = error
        log.log(level, record.getMessage(), **fields)


class _WorkerNumber:
    """Puts one number into each line, whichever thread or task logs it."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, _: Any, __: str, line: EventDict) -> EventDict:
        line["worker"] = self._number
        return line


def _add_request(_: Any, __: str, line: EventDict) -> EventDict:
    request_id = REQUEST_ID.get()
    if request_id is not None:
        line.setdefault("request_id", request_id)
    return line


def _dumps(line: Any, **_: Any) -> bytes:
    data = orjson.dumps(line, default=repr)
    if data.isascii() and DELETE not in data:
        return data
    # What strangers send may be in a line, and the line on somebody's terminal.
    return plain_json(data.decode()).encode()


def plain(text: object) -> str:
    """Return a text whose lines can be shown; what a terminal obeys is written out."""
    return _NOT_ASCII.sub(_shown, str(text))


def plain_json(text: str) -> str:
    """Return the same of a JSON document, which means what it meant."""
    return _NOT_ASCII.sub(_escaped, text)


def _shown(found: re.Match[str]) -> str:
    sign = found[0]
    if unicodedata.category(sign) in _UNSEEN:
        return sign.encode("unicode_escape").decode()
    return sign


def _escaped(found: re.Match[str]) -> str:
    sign = found[0]
    if unicodedata.category(sign) not in _UNSEEN:
        return sign
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
