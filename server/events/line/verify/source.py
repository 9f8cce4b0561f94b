"""The bytes of a transcript, line by line: plain or packed, never whole in memory."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import Final

from server.events.line.transcript.records import BYTES_MAX, LINE_BYTES_MAX
from server.events.line.verify.report import Broken

_GZIP: Final = b"\x1f\x8b"


class Source:
    """A file, plain or packed. What cannot be unpacked raises `Broken`."""

    def __init__(self, file: BufferedReader) -> None:
        packed = file.peek(2)[:2] == _GZIP
        self._file = gzip.GzipFile(fileobj=file) if packed else file
        with _unpacking():
            self.first = self._file.readline(LINE_BYTES_MAX + 1)
        """The first line with its end, or the beginning of one that is too long."""

    def lines(self) -> Iterator[bytes]:
        """Return all lines, each with its end, if it has one.

        Raises `Broken` for too much of them.
        """
        line, total = self.first, 0
        while line:
            total += len(line)
            if len(line) > LINE_BYTES_MAX:
                raise Broken("it is too long")
            if total > BYTES_MAX:
                raise Broken("there is too much of it")
            yield line
            with _unpacking():
                line = self._file.readline(LINE_BYTES_MAX + 1)

    def whole(self, most: int) -> bytes:
        """Return all of it; a byte more than the most where there is too much."""
        with _unpacking():
            return self.first + self._file.read(max(0, most + 1 - len(self.first)))


@contextmanager
def _unpacking() -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise Broken("what is packed is cut off") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Broken("what is packed is damaged") from error
