"""The pictures of the README, taken as its readers would see the pages."""

import os
from pathlib import Path

import pytest

from tests.browser.photographs import README_BYTES_MAX, packed, settled
from tests.browser.views import VIEWS

pytestmark = pytest.mark.campaign
FOLDER = "ONSALE_TEST_README"
DESK = {"width": 1280, "height": 820}
PHONE = {"width": 390, "height": 844}
SHOWN = {
    "events": DESK,
    "hold": DESK,
    "cockpit": DESK,
    "order": PHONE,
    "door-green": PHONE,
}
"""Views, and the sizes that most see them at."""


@pytest.mark.parametrize("view", SHOWN)
async def test_a_picture_of_the_readme_can_be_taken_and_is_small(
    view, stage, open_page, tmp_path
):
    page = await open_page(base_url=stage.shop.url, viewport=SHOWN[view])
    await VIEWS[view](stage, page)
    for seat_map in await page.get_by_test_id("seat-map").all():
        await settled(seat_map)
    picture = packed(await page.screenshot(animations="disabled"))
    assert len(picture) <= README_BYTES_MAX
    folder = Path(os.environ.get(FOLDER) or tmp_path)
    folder.mkdir(exist_ok=True)
    (folder / f"{view}.webp").write_bytes(picture)
