"""What aiohttp itself logs, as lines like ours.

Bytes that are no HTTP are no error of the server: everybody on the internet sends some.
aiohttp would log a traceback for each.
"""

import logging
from typing import Final

import structlog
from aiohttp.http_exceptions import HttpProcessingError

log = structlog.get_logger()


class _Forward(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            log.debug("what came was no http", reason=type(error).__name__)
        else:
            log.log(record.levelno, record.getMessage(), exc_info=error)


# Not from logging's registry: nobody else's configuration changes it.
HTTP_LOG: Final = logging.Logger("onsale.http", logging.INFO)
HTTP_LOG.addHandler(_Forward())
