"""The PDF of tickets, set by a child: it takes half a second, and 60 MB.

Names are set in one font that goes with the server, and covers Latin, Greek and
Cyrillic. A script that it does not cover, or that has to be shaped or runs from right
to left, is refused: a ticket full of boxes is worse than none, and a browser sets its
page properly.
"""

import io
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from server.shop.tickets.pictures.qr import QUIET, modules_of
from server.transport.children.child import run_job

MODULE: Final = "server.shop.tickets.pictures.printing"
MEMORY_BYTES: Final = 512 << 20
CPU_S: Final = 20
"""What a child may take for the tickets of one order."""

FONT: Final = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
NAME: Final = "DejaVu Sans"

WIDTH: Final = 595.28
HEIGHT: Final = 841.89
"""A4, in points."""

MARGIN: Final = 57.0
QR_SIDE: Final = 226.0
LINES_MAX: Final = 4
"""Of one field; what is longer ends with an ellipsis."""

SCRIPTS: Final = ("LATIN ", "GREEK ", "CYRILLIC ", "MODIFIER LETTER ")
"""How the names of letters begin that need no shaping, in Unicode."""

LEFTWARD: Final = frozenset({"R", "AL", "AN"})
"""What runs from right to left, and Arabic digits, in Unicode."""

OTHER_LETTERS: Final = frozenset("ªºµ℃℉Ω№™")
"""Letters of other names that stand in texts of these scripts."""


class Printed(Struct, frozen=True):
    """What stands on a ticket, ready to be read."""

    code: str
    number: str
    event: str
    when: str
    venue: str
    place: str
    holder: str
    reference: str


class Answer(Struct):
    """The PDF; or a letter that this font does not set."""

    pdf: bytes = b""
    unset: str | None = None


_HINTS: Final = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_unpack: Final = msgspec.msgpack.Decoder(tuple[Printed, ...]).decode
read_answer: Final = msgspec.msgpack.Decoder(Answer).decode


def unset_letter(text: str) -> str | None:
    """Return the first letter, mark or sign of a text that is not set here."""
    for letter in _composed(text):
        kind = unicodedata.category(letter)
        if unicodedata.bidirectional(letter) in LEFTWARD:
            return letter
        # Digits and marks of other scripts stand beside their letters; of those that it
        # has not, the font tells.
        if kind[0] in "PSZN" or letter in OTHER_LETTERS:
            continue
        if kind[0] == "L" and unicodedata.name(letter, "").startswith(SCRIPTS):
            continue
        return letter
    return None


def work(job: bytes) -> bytes:
    """Return the packed answer to tickets that are to be printed, each on a page."""
    font, clean = _font(), []
    for printed in _unpack(job):
        texts = [_composed(text) for text in _texts(printed)]
        for text in texts:
            unset = unset_letter(text) or _missing(font, text)
            if unset is not None:
                return msgspec.msgpack.encode(Answer(unset=unset))
        clean.append(Printed(printed.code, *texts))
    return msgspec.msgpack.encode(Answer(pdf=_drawn(clean)))


def _composed(text: str) -> str:
    """Return a text with accents on their letters, without hints where to break it."""
    return unicodedata.normalize("NFC", text).translate(_HINTS)


def _texts(printed: Printed) -> tuple[str, ...]:
    _, *texts = msgspec.structs.astuple(printed)
    return tuple(texts)


@cache
def _font() -> Any:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    font = TTFont(NAME, str(FONT))
    pdfmetrics.registerFont(font)
    return font


def _missing(font: Any, text: str) -> str | None:
    glyphs = font.face.charToGlyph
    return next((one for one in text if ord(one) not in glyphs), None)


def _drawn(tickets: Sequence[Printed]) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(WIDTH, HEIGHT), invariant=1)
    numbers = ", ".join(one.number for one in tickets)
    canvas.setTitle(f"{tickets[0].event}, {numbers}")
    canvas.setCreator("Onsale")
    for printed in tickets:
        _draw_page(canvas, printed)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _draw_page(canvas: Any, printed: Printed) -> None:
    below = HEIGHT - MARGIN
    for text, size, gap in (
        (printed.event, 24, 10),
        (printed.when, 14, 4),
        (printed.venue, 14, 18),
        (printed.place, 20, 10),
        (printed.holder, 12, 24),
    ):
        for line in _wrapped(text, size):
            below -= size
            canvas.setFont(NAME, size)
            canvas.drawString(MARGIN, below, line)
            below -= size / 4
        below -= gap if text else 0
    _draw_qr(canvas, printed.code, below - QR_SIDE)
    below -= QR_SIDE + 18
    canvas.setFont(NAME, 14)
    canvas.drawString(MARGIN, below, printed.number)
    canvas.setFont(NAME, 10)
    canvas.drawString(MARGIN, below - 18, printed.reference)


def _draw_qr(canvas: Any, code: str, bottom: float) -> None:
    """Draw a QR, whose quiet zone is the white of the page around it."""
    rows = modules_of(code)
    side = QR_SIDE / (len(rows) + 2 * QUIET)
    left, top = MARGIN, bottom + QR_SIDE - QUIET * side
    path = canvas.beginPath()
    for y, row in enumerate(rows, 1):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                path.rect(
                    left + (QUIET + x) * side, top - y * side, (end - x) * side, side
                )
            x = end + 1
    canvas.drawPath(path, stroke=0, fill=1)


def _wrapped(text: str, size: int) -> list[str]:
    """Return a text in lines that fit between the margins."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    fits: float = WIDTH - 2 * MARGIN
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if stringWidth(longer, NAME, size) <= fits:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while stringWidth(line, NAME, size) > fits:
            cut = len(line) - 1
            while stringWidth(line[:cut], NAME, size) > fits:
                cut -= 1
            lines.append(line[:cut])
            line = line[cut:]
    lines += [line] if line else []
    if len(lines) > LINES_MAX:
        lines = [*lines[: LINES_MAX - 1], lines[LINES_MAX - 1][:-1] + "…"]
    return lines


if __name__ == "__main__":
    run_job(work)
