"""Each page in each state: photographed, nothing cut off, and nobody shut out."""

import os
from pathlib import Path

import pytest

from tests.browser.axe import barriers
from tests.browser.layout import flaws, small_targets
from tests.browser.photographs import SCHEMES, SIZES, write_sheet
from tests.browser.views import VIEWS

pytestmark = pytest.mark.campaign
FOLDER = "ONSALE_TEST_PICTURES"
NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    told = os.environ.get(FOLDER)
    folder = tmp_path_factory.mktemp("pictures") if told is None else Path(told)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("view", VIEWS)
async def test_a_page_looks_right_and_shuts_nobody_out(view, stage, open_page, folder):
    wrong = []
    for scheme in SCHEMES:
        page = await open_page(
            base_url=stage.shop.url, color_scheme=scheme, viewport=SIZES["desk"]
        )
        await VIEWS[view](stage, page)
        for size, viewport in SIZES.items():
            await page.set_viewport_size(viewport)
            await page.evaluate("document.fonts.ready")
            path = folder / f"{view}-{size}-{scheme}.png"
            await page.screenshot(path=path, animations="disabled")
            wrong += [f"{size} {scheme}: {line}" for line in await flaws(page)]
        await page.set_viewport_size(NARROW)
        wrong += [f"narrow {scheme}: {line}" for line in await flaws(page)]
        wrong += [f"narrow {scheme}: {line}" for line in await small_targets(page)]
        wrong += [f"{scheme}: {line}" for line in await barriers(page)]
    write_sheet(folder, view)
    assert not wrong, "\n".join(wrong)
