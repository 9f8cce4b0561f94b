"""Each page in each state: photographed, nothing cut off, and nobody shut out."""

import os
from pathlib import Path

import pytest

from tests.browser.axe import barriers
from tests.browser.layout import flaws, small_targets
from tests.browser.photographs import SIZES, write_sheet
from tests.browser.views import MISSING, VIEWS

pytestmark = pytest.mark.campaign
FOLDER = "ONSALE_TEST_PICTURES"
WALKED_AT = {"light": "desk", "dark": "phone"}
NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    told = os.environ.get(FOLDER)
    folder = tmp_path_factory.mktemp("pictures") if told is None else Path(told)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("view", VIEWS)
async def test_a_page_looks_right_and_shuts_nobody_out(
    view, stage, open_page, folder, trouble
):
    if view in MISSING:
        trouble.forgive(MISSING[view])
    wrong = []
    for scheme, size in WALKED_AT.items():
        page = await open_page(
            base_url=stage.shop.url, color_scheme=scheme, viewport=SIZES[size]
        )
        await VIEWS[view](stage, page)
        found = await photograph(page, folder, f"{view}-{{}}-{scheme}.png")
        found += [f"narrow: {line}" for line in await flaws(page)]
        found += [f"narrow: {line}" for line in await small_targets(page)]
        found += await barriers(page)
        wrong += [f"{scheme} {line}" for line in found]
    write_sheet(folder, view)
    assert not wrong, "\n".join(wrong)


async def photograph(page, folder, name):
    """Photograph a page at all sizes; return its flaws. It is narrow then."""
    wrong = []
    for size, viewport in SIZES.items():
        await page.set_viewport_size(viewport)
        await page.evaluate("document.fonts.ready")
        path = folder / name.format(size)
        await page.screenshot(path=path, full_page=True, animations="disabled")
        wrong += [f"{size}: {line}" for line in await flaws(page)]
    await page.set_viewport_size(NARROW)
    return wrong
