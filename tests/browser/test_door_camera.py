"""The camera of a gate: it reads codes from a film that the browser takes for one."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
import segno
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.chromium import MISSING, arguments, find_chromium
from tests.browser.conftest import PHONE, WAIT_MS
from tests.browser.door import Door, open_door, pair, shown
from tests.browser.until import until

pytestmark = pytest.mark.campaign

WIDTH, HEIGHT = 320, 240
FRAMES_PER_S = 10
GREY = 128
NO_WORKER = """
globalThis.Worker = class extends EventTarget {
  postMessage() { queueMicrotask(() => this.onerror(new Event("error"))); }
  terminate() {}
};
"""
DETECTOR = """
globalThis.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect(video) {
    globalThis.looks = (globalThis.looks ?? 0) + 1;
    return globalThis.inView ? [{ rawValue: globalThis.inView }] : [];
  }
};
"""


def picture(code: str | None) -> bytes:
    """Return one frame in 4:2:0 with a QR code in its middle, or with nothing."""
    light = [bytearray([230]) * WIDTH for _ in range(HEIGHT)]
    if code is not None:
        made = segno.make(code, error="m").matrix_iter(scale=4, border=3)
        rows = [[*row] for row in made]
        top, left = (HEIGHT - len(rows)) // 2, (WIDTH - len(rows[0])) // 2
        assert min(top, left) >= 0, "the code is larger than the picture"
        for y, row in enumerate(rows):
            light[top + y][left : left + len(row)] = bytes(
                20 if dark else 230 for dark in row
            )
    return b"".join(light) + bytes([GREY]) * (WIDTH * HEIGHT // 2)


def film(path: Path, scenes: Sequence[tuple[str | None, float]]) -> None:
    """Write what the camera sees: codes, or none, and for how many seconds each."""
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_S}:1 Ip A1:1 C420jpeg\n"
    with path.open("wb") as out:
        out.write(head.encode())
        for code, lasts_s in scenes:
            out.write((b"FRAME\n" + picture(code)) * round(lasts_s * FRAMES_PER_S))


@pytest_asyncio.fixture(loop_scope="session")
async def door(shop) -> Door:
    return await open_door(shop)


@pytest_asyncio.fixture(loop_scope="session")
async def browser(tmp_path: Path, door: Door) -> AsyncIterator[Browser]:
    """A Chromium of its own, whose camera sees a ticket, nothing, and a forged one."""
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    seen = tmp_path / "camera.y4m"
    film(seen, [(door.code(0), 3), (None, 3), (door.forged(1), 2), (None, 3)])
    fake = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={seen}",
    ]
    async with async_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-testid")
        expect.set_options(timeout=WAIT_MS)
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*arguments(), *fake]
        )
        yield browser
        await browser.close()


async def test_codes_before_the_camera_are_scans(door, open_page):
    page = await open_page(viewport=PHONE, has_touch=True, permissions=["camera"])
    await pair(page, door, "North")
    # On a phone it is on by itself.
    await shown(page, "ok")
    # Whatever is held on for three seconds is one scan.
    await shown(page, "bad_signature")
    assert (await door.counts())["in"] == 1
    await shown(page, "already_in")
    await page.get_by_test_id("door-camera").click()
    await expect(page.get_by_test_id("door-video")).to_have_count(0)


async def test_without_a_worker_and_without_a_network_the_page_reads_them(
    door, open_page, trouble
):
    trouble.forgive("ERR_INTERNET_DISCONNECTED|WebSocket connection|ERR_FAILED")
    page = await open_page(viewport=PHONE, has_touch=True, permissions=["camera"])
    await pair(page, door, "North")
    await shown(page, "ok")
    await page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    await page.context.set_offline(True)
    await page.add_init_script(NO_WORKER)
    await page.reload()
    await shown(page, "already_in")
    await expect(page.get_by_test_id("scan-offline")).to_be_visible()
    await shown(page, "bad_signature")


async def test_the_detector_of_the_browser_is_taken_where_there_is_one(door, open_page):
    page = await open_page(viewport=PHONE, has_touch=True, permissions=["camera"])
    await page.add_init_script(DETECTOR)
    await pair(page, door, "North")
    await page.evaluate("code => { globalThis.inView = code; }", door.code(1))
    await shown(page, "ok")
    looks = await page.evaluate("globalThis.looks")

    async def has_looked_on() -> bool:
        return bool(await page.evaluate("globalThis.looks") > looks + 10)

    await until(has_looked_on)
    await shown(page, "ok")
    assert (await door.counts())["in"] == 1
