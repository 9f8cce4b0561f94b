"""The QR of a ticket: drawn once, kept for a while.

Eight patterns may be laid over a QR, and a library tries all of them for the one that
scans best. The code of a ticket is as good as random, so any does; to try them takes
five times as long as to draw one.
"""

import io
from functools import lru_cache
from typing import Final

import segno

KEPT_MAX: Final = 1_024
"""Some 4 KB each."""

QUIET: Final = 4
"""Modules of white around it, as the standard asks."""

MASK: Final = 2
LEVEL: Final = "m"


@lru_cache(KEPT_MAX)
def draw_svg(code: str) -> bytes:
    """Return a QR with a code, as an image that scales."""
    file = io.BytesIO()
    _made(code).save(
        file,
        kind="svg",
        border=QUIET,
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        omitsize=True,
        light="#fff",
    )
    return file.getvalue()


def modules_of(code: str) -> list[bytes]:
    """Return the rows of a QR, a byte for each module: 1 is black."""
    return [bytes(row) for row in _made(code).matrix]


def _made(code: str) -> segno.QRCode:
    return segno.make(code, error=LEVEL, mask=MASK, boost_error=False, micro=False)
