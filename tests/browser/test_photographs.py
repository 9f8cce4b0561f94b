import re
from pathlib import Path

from PIL import Image

from tests.browser.photographs import (
    README_BYTES_MAX,
    SCHEMES,
    SHEET_HEIGHT_MAX,
    SIZES,
    write_sheet,
)

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_shows_all_pictures_there_are_and_each_is_small():
    shown = re.findall(r'<img src="([^"]+)"', (ROOT / "README.md").read_text())
    files = sorted((ROOT / "docs/pictures").iterdir())
    assert sorted(ROOT / name for name in shown) == files
    assert all(file.stat().st_size <= README_BYTES_MAX for file in files)


def test_a_sheet_has_all_photographs_and_is_not_endless(tmp_path):
    for scheme in SCHEMES:
        for size, pixels in SIZES.items():
            shot = Image.new("RGB", (pixels["width"], 9_000), "red")
            shot.save(tmp_path / f"view-{size}-{scheme}.png")
    sheet = Image.open(write_sheet(tmp_path, "view"))
    assert sheet.height < 2 * SHEET_HEIGHT_MAX + 100
    colours = sheet.convert("RGB").getcolors(sheet.width * sheet.height)
    assert colours is not None
    red = sum(count for count, colour in colours if colour == (255, 0, 0))
    asked = (
        2 * SHEET_HEIGHT_MAX * sum(round(one["width"] * 0.6) for one in SIZES.values())
    )
    assert red == asked
