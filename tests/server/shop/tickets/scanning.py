"""What a camera does: pictures of tickets in, what their QR holds out."""

import io
import re
from collections.abc import Iterable

import zxingcpp
from PIL import Image, ImageDraw
from pypdf import PdfReader

MODULE_PX = 4
_STEP = re.compile(r"([Mmh])([-\d.]+)(?:[ ,]?([-\d.]+))?")
_BOX = re.compile(rb"([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re")


def read_svg(svg: bytes) -> str:
    """Return what the QR of an SVG holds; black is drawn as lines of one module."""
    text = svg.decode()
    side = re.search(r'viewBox="0 0 (\d+) \1"', text)
    assert side is not None
    path = re.findall(r' d="([^"]*)"', text)[-1]
    boxes, x, y = [], 0.0, 0.0
    for kind, first, second in _STEP.findall(path):
        if kind == "h":
            boxes.append((x, y - 0.5, float(first), 1.0))
            x += float(first)
        elif kind == "M":
            x, y = float(first), float(second)
        else:
            x, y = x + float(first), y + float(second)
    return _read(boxes, float(side[1]))


def read_pdf(pdf: bytes) -> tuple[str, str]:
    """Return the text of a page, and what the QR on it holds."""
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    contents = page.get_contents()
    assert contents is not None
    boxes = [tuple(map(float, found)) for found in _BOX.findall(contents.get_data())]
    side = max(x + width for x, _, width, _ in boxes) - min(x for x, *_ in boxes)
    left, bottom = min(x for x, *_ in boxes), min(y for _, y, *_ in boxes)
    unit = min(height for *_, height in boxes)
    quiet = 4
    drawn = [
        (
            (x - left) / unit + quiet,
            (side + bottom - y) / unit - 1 + quiet,
            width / unit,
            height / unit,
        )
        for x, y, width, height in boxes
    ]
    return page.extract_text(), _read(drawn, side / unit + 2 * quiet)


def _read(boxes: Iterable[tuple[float, float, float, float]], side: float) -> str:
    image = Image.new("L", (round(side * MODULE_PX),) * 2, 255)
    draw = ImageDraw.Draw(image)
    for x, y, width, height in boxes:
        corner = (round(x * MODULE_PX), round(y * MODULE_PX))
        end = (round((x + width) * MODULE_PX) - 1, round((y + height) * MODULE_PX) - 1)
        draw.rectangle((corner, end), fill=0)
    (found,) = zxingcpp.read_barcodes(image)
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    return str(found.text)
