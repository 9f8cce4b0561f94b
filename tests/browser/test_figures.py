"""How fast the pages are on this machine; `dev.py pages --figures` runs these alone."""

import asyncio
import os
from pathlib import Path
from statistics import median, quantiles

import pytest
from playwright.async_api import expect

from tests.browser.organiser import open_signed_in
from tests.browser.steps import open_event
from tests.browser.until import until
from tests.contract.client import Json

pytestmark = pytest.mark.campaign
PRICES: Json = {
    name: {"amount": amount, "currency": "EUR"}
    for name, amount in (
        ("premium", 9_500),
        ("standard", 5_900),
        ("economy", 3_400),
        ("standing", 2_900),
    )
}
VISITS = 5
CHANGED = 500
CHANGED_MS_MAX = 8
FRAME_MS_MAX = 10
STEPS = 120
SALES = 100
WATCHER_SHARE_MAX = 1.05
PAIRS = 4
SELLS_S = 3.0
SALES_PER_S = 20
COCKPIT_SHARE_MAX = 0.05

# A map is there a frame after something was painted on its canvas. Reading it back, to
# see what, would cost many times what painting it does.
NOTE_PAINT = """
globalThis.painted = new Promise((resolve) => {
  const { prototype } = CanvasRenderingContext2D;
  for (const name of ["drawImage", "fillText"]) {
    const paint = prototype[name];
    prototype[name] = function (...values) {
      paint.apply(this, values);
      // The name of the event has to be there, too: it stands above the map.
      const named = document.querySelector("h1")?.textContent.trim();
      if (!named || !this.canvas.closest('[data-testid="seat-map"]')) return;
      requestAnimationFrame(() => {
        requestAnimationFrame(() => resolve(performance.now()));
      });
    };
  }
});
"""
# What runs in a frame, of whatever asked for one.
NOTE_FRAMES = """
(() => {
  const ask = globalThis.requestAnimationFrame.bind(globalThis);
  const took = new Map();
  globalThis.framesTook = took;
  globalThis.requestAnimationFrame = (work) => ask((at) => {
    const begun = performance.now();
    work(at);
    took.set(at, (took.get(at) ?? 0) + performance.now() - begun);
  });
})();
"""
TAKE_FRAMES = """
() => {
  const took = [...framesTook.values()];
  framesTook.clear();
  return took;
}
"""


@pytest.fixture
def large(shop):
    """A function that puts an event of so many seats on sale."""

    async def make(seats, **more):
        venue = await shop.arena(seats)
        return await shop.event(None, venue=venue, prices=PRICES, **more)

    return make


@pytest.mark.parametrize(("seats", "s_max"), [(20_000, 1.0), (100_000, 2.5)])
async def test_an_event_is_painted_soon(large, open_page, figure, seats, s_max):
    event = await large(seats)
    took_s = []
    for visit in range(1 + VISITS):
        page = await open_page()
        await page.add_init_script(NOTE_PAINT)
        await page.goto(f"/events/{event}")
        took_ms = await page.evaluate("painted")
        # The first visit warms the server; each has a browser that knows nothing.
        if visit:
            took_s.append(took_ms / 1_000)
        await page.context.close()
    figure(f"first useful paint of {seats:,} seats", median(took_s), "s")
    assert median(took_s) <= s_max, took_s


async def test_500_seats_that_change_at_once_are_drawn_soon(shop, large, page, figure):
    event = await large(20_000)
    await page.add_init_script(NOTE_FRAMES)
    await open_event(page, event)
    await expect(page.get_by_test_id("best-available")).to_be_enabled()
    labels = [seat["label"] for seat in (await shop.api.map(event))["seats"]]
    took_ms = []
    for turn in range(VISITS):
        await page.evaluate("new Promise(requestAnimationFrame)")
        await page.evaluate(TAKE_FRAMES)
        some = labels[turn * CHANGED : (turn + 1) * CHANGED]
        await shop.api.ok(event, shop.api.admin, "block", seats=some)

        async def is_drawn() -> bool:
            return bool(await page.evaluate("framesTook.size > 0"))

        await until(is_drawn)
        await page.evaluate("new Promise(requestAnimationFrame)")
        took_ms.append(max(await page.evaluate(TAKE_FRAMES)))
    figure("500 seats change: script of the frame", median(took_ms), "ms")
    assert median(took_ms) <= CHANGED_MS_MAX, took_ms


async def test_panning_and_zooming_over_20_000_seats_is_smooth(large, page, figure):
    event = await large(20_000)
    await page.add_init_script(NOTE_FRAMES)
    await open_event(page, event)
    await expect(page.get_by_test_id("best-available")).to_be_enabled()
    box = await page.get_by_test_id("seat-map").locator("canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.evaluate(TAKE_FRAMES)
    for step in range(STEPS):
        # In, out, and to and fro between them.
        await page.mouse.wheel(0, -120 if step % 40 < 20 else 120)
        await page.evaluate("new Promise(requestAnimationFrame)")
        if step % 10 == 0:
            await page.mouse.down()
            await page.mouse.move(x + step % 7 * 20 - 60, y + step % 5 * 20, steps=8)
            await page.mouse.up()
            await page.mouse.move(x, y)
    took_ms = await page.evaluate(TAKE_FRAMES)
    assert len(took_ms) >= STEPS
    p95 = quantiles(took_ms, n=20)[-1]
    figure("pan and zoom over 20,000 seats: script per frame, p95", p95, "ms")
    assert p95 <= FRAME_MS_MAX, took_ms


async def test_a_page_that_watches_costs_no_more_than_a_bare_watcher(
    shop, large, open_page, figure
):
    event = await large(20_000, max_per_user=SALES)
    page = await open_page()
    sent: list[int] = []
    got: list[int] = []
    asked: list[str] = []
    page.on(
        "websocket",
        lambda socket: (
            socket.on("framesent", lambda data: sent.append(len(data))),
            socket.on("framereceived", lambda data: got.append(len(data))),
        ),
    )
    await open_event(page, event)
    await expect(page.get_by_test_id("best-available")).to_be_enabled()
    async with await shop.socket() as bare, await shop.socket() as buyer:
        board = await bare.watch(event)
        await board.reach()
        page.on("request", lambda request: asked.append(request.url))
        sent.clear()
        got.clear()
        begun = len(bare.raw)
        for _ in range(SALES):
            reply = await buyer.ok("hold_best", event=event, quantity=1)
            await board.reach(reply["version"])
        bare_bytes = sum(len(raw) for raw in bare.raw[begun:])
        await until(lambda: sum(got) >= bare_bytes * 0.95)
    share = sum(got) / bare_bytes
    figure("a page that watches: bytes of a bare watcher's", share, "times")
    figure("frames that it sends meanwhile", len(sent), "")
    assert share <= WATCHER_SHARE_MAX
    assert len(got) <= WATCHER_SHARE_MAX * SALES + 1
    assert (sent, asked) == ([], [])


def cpu_s(group):
    """Return for how long the threads of a group of processes have run so far."""
    ran_ns = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[2]) == group:
                for one in stat.parent.glob("task/*/schedstat"):
                    ran_ns += int(one.read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return ran_ns / 1e9


async def test_a_cockpit_costs_a_twentieth_of_a_core_at_most(
    shop, large, open_page, figure
):
    event = await large(20_000, max_per_user=10_000)
    page = await open_page()
    address = f"/organise/events/{event}"
    await open_signed_in(page, address)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")

    async def page_s() -> float:
        told = await devtools.send("Performance.getMetrics")
        return float(
            next(
                one["value"] for one in told["metrics"] if one["name"] == "TaskDuration"
            )
        )

    group = os.getpgid(shop.server.process.pid)
    loop = asyncio.get_running_loop()
    alone, servers, pages = [], [], []
    async with await shop.socket() as buyer:

        async def sold(*, looked_at: bool) -> tuple[float, float]:
            """Sell for a while; return the share of a core of server and page."""
            await page.goto(address if looked_at else "about:blank")
            if looked_at:
                await expect(page.get_by_test_id("tile-booked")).to_be_visible()
            begun, server_s, browser_s = loop.time(), cpu_s(group), await page_s()
            for sale in range(round(SELLS_S * SALES_PER_S)):
                await asyncio.sleep(begun + sale / SALES_PER_S - loop.time())
                held = await buyer.ok("hold_best", event=event, quantity=1)
                await buyer.ok("book", event=event, hold=held["hold"])
            took = loop.time() - begun
            worked = cpu_s(group) - server_s, await page_s() - browser_s
            return worked[0] / took, worked[1] / took

        await sold(looked_at=True)
        for pair in range(PAIRS):
            # What grows with what is sold is in both alike.
            first = pair % 2 == 0
            one, other = [await sold(looked_at=at) for at in (first, not first)]
            seen, unseen = (one, other) if first else (other, one)
            alone.append(unseen[0])
            servers.append(seen[0] - unseen[0])
            pages.append(seen[1])
    assert median(alone) > 0
    figure("20 sales a second: server", median(alone), "cores")
    figure("a cockpit beside them: server", median(servers), "cores")
    figure("a cockpit beside them: its page", median(pages), "cores")
    assert median(servers) <= COCKPIT_SHARE_MAX, servers
