"""Photographs of pages at three sizes, light and dark, and sheets to look at them."""

import io
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw
from playwright.async_api import Locator

SIZES = {
    "phone": {"width": 390, "height": 844},
    "tablet": {"width": 820, "height": 1180},
    "desk": {"width": 1440, "height": 900},
}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SCALE = 0.6
SHEET_HEIGHT_MAX = 1_200
GAP = 16
LOOKS_MAX = 40
TEXT_HEIGHT = 20
GREY = (128, 128, 128)
README_BYTES_MAX = 150_000
README_WIDTH_MAX = 1_280
QUALITIES = (85, 75, 65, 50)


async def settled(what: Locator) -> None:
    """Wait until something looks the same twice: maps are painted bit by bit."""
    former = b""
    for _ in range(LOOKS_MAX):
        now = await what.screenshot(animations="disabled")
        if now == former:
            return
        former = now
    raise AssertionError("it never comes to rest")


def write_sheet(folder: Path, view: str) -> Path:
    """Put all photographs of a view side by side on one picture."""
    shots = [
        (f"{size} {scheme}", Image.open(folder / f"{view}-{size}-{scheme}.png"))
        for scheme in SCHEMES
        for size in SIZES
    ]
    small = [(name, _small(shot)) for name, shot in shots]
    half = len(small) // 2
    rows = [small[:half], small[half:]]
    heights = [max(shot.height for _, shot in row) + TEXT_HEIGHT + GAP for row in rows]
    width = max(sum(shot.width + GAP for _, shot in row) for row in rows) + GAP
    sheet = Image.new("RGB", (width, sum(heights)), GREY)
    draw = ImageDraw.Draw(sheet)
    y = 0
    for row, height in zip(rows, heights, strict=True):
        x = GAP
        for name, shot in row:
            draw.text((x, y + 4), f"{view}: {name}", fill="white")
            sheet.paste(shot, (x, y + TEXT_HEIGHT))
            x += shot.width + GAP
        y += height
    path = folder / f"sheet-{view}.png"
    sheet.save(path)
    return path


def _small(shot: Image.Image) -> Image.Image:
    """Return a photograph as it stands on a sheet: smaller, and not endless."""
    size = round(shot.width * SCALE), round(shot.height * SCALE)
    height = min(size[1], SHEET_HEIGHT_MAX)
    return shot.resize(size).crop((0, 0, size[0], height))


def packed(shot: bytes) -> bytes:
    """Return a photograph as it is committed: WebP, no larger than is allowed."""
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    if image.width > README_WIDTH_MAX:
        height = image.height * README_WIDTH_MAX // image.width
        image = image.resize((README_WIDTH_MAX, height))
    for quality in QUALITIES:
        file = io.BytesIO()
        image.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= README_BYTES_MAX:
            return file.getvalue()
    raise ValueError("this picture is too large for a page that people read")
