"""A draw in the browser: gathered for, checked by the page itself, bought in."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from server.base.paths import import_path
from tests.browser.conftest import shop_at
from tests.browser.line import line_of
from tests.browser.shop import Shop
from tests.browser.steps import check_out, choose, pay
from tests.relays import run_relay

OTHERS = 8
CLOSES_S = 15
TRIES = 5
DRAWN_MS = 120_000


@pytest.fixture(scope="module")
def relay() -> Iterator[tuple[str, str]]:
    """Run a relay; give its address and chain."""
    with run_relay() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def drawing_shop(server_url, database_template, relay):
    """A shop that believes it."""
    url, chain = relay
    settings = {"ONSALE_BEACON_RELAYS": url, "ONSALE_BEACON_CHAIN": chain}
    async with shop_at(server_url, database_template, **settings) as shop:
        yield shop


async def gathering(shop: Shop, closes_s: float) -> str:
    """Make an event with a line that is drawn in so long, and others who join it."""
    terms = {
        "mode": "draw",
        "gather_at": (datetime.now(UTC) - timedelta(seconds=1)).isoformat(),
        "opens_at": (datetime.now(UTC) + timedelta(seconds=closes_s + 1)).isoformat(),
        "closes_before_s": 1,
        "fix_within_s": 4,
        "beacon": "demo",
        "sell_out_s": 0,
    }
    event = await shop.event(paid=True, name="By lot", line=terms)
    for _ in range(OTHERS):
        who, path = await shop.api.guest(), f"/v1/events/{event}/line/entries"
        answer = await shop.api.request("POST", path, {}, who=who)
        assert answer.status == 201, answer.raw
    return event


async def joined(shop: Shop, page: Page) -> str:
    """Join a list before it closes, however slow the machine is; return the event."""
    for attempt in range(TRIES):
        event = await gathering(shop, CLOSES_S * 2**attempt)
        await page.goto(f"/events/{event}")
        await page.get_by_test_id("join-line").click()
        await expect(line_of(page)).to_have_attribute(
            "data-state", re.compile("joined|waiting")
        )
        if await line_of(page).get_attribute("data-phase") == "gathering":
            return event
    raise AssertionError("lists close before anybody can join")


def verify(folder: Path, place: str) -> str:
    """Check a transcript as anybody does; return what is said of it."""
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "server", "verify"),
            str(folder / "transcript.ndjson"),
            *(f"--witness={folder / 'witness.json'}", f"--place={place}"),
        ],
        env={"PYTHONPATH": import_path()},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_gathered_drawn_checked_by_the_page_and_bought(
    drawing_shop, open_page, tmp_path
):
    page = await open_page(base_url=drawing_shop.url)
    event = await joined(drawing_shop, page)
    await expect(page.get_by_test_id("line-joined")).to_be_visible()
    await page.locator(".fair > summary").click()
    before = await page.get_by_test_id("line-commitment").inner_text()
    assert re.fullmatch("[0-9a-f]{64}", before)

    check = page.get_by_test_id("line-check")
    await expect(check).to_have_attribute("data-found", "drawn", timeout=DRAWN_MS)
    assert await page.get_by_test_id("line-commitment").inner_text() == before
    marks = (
        await page.get_by_test_id("line-checks")
        .locator("li")
        .evaluate_all(
            "(all) => Object.fromEntries("
            "all.map((one) => [one.dataset.check, one.dataset.mark]))"
        )
    )
    # By its own clock it may have heard late, on a slow machine.
    assert marks.pop("early") in {"ok", "open"}
    assert marks.pop("beacon") == "open"
    assert set(marks) == {
        *("rules", "commitment", "statement", "signature", "told"),
        *("stub", "root", "listed", "order"),
    }
    assert set(marks.values()) == {"ok"}
    await expect(page.get_by_test_id("line-verify")).to_contain_text("--place")

    # What the page offers is what the command takes, which checks the rest.
    async with page.expect_download() as begun:
        await page.get_by_test_id("line-witness").click()
    witness = tmp_path / "witness.json"
    await (await begun.value).save_as(witness)
    stub = (await page.get_by_test_id("line-verify").inner_text()).rpartition(" ")[2]
    path = f"{drawing_shop.url}/v1/events/{event}/line/transcript"
    async with drawing_shop.api.session.get(path) as answer:
        (tmp_path / "transcript.ndjson").write_bytes(await answer.read())
    told = await asyncio.to_thread(verify, tmp_path, stub)
    assert re.search("^(ok|weak) witness: ", told, re.M), told
    assert re.search(rf"^ok place: rank \d+ of {OTHERS + 1}, entrant", told, re.M), told

    await expect(page.get_by_test_id("line-turn")).to_be_visible(timeout=DRAWN_MS)
    await choose(page, "A-1")
    await check_out(page)
    await pay(page)

    # A list that somebody is not on is found out.
    async def without_the_first(route: Route) -> None:
        answer = await route.fetch()
        proof = json.loads(await answer.body())
        proof["stubs"] = ""
        await route.fulfill(response=answer, json=proof)

    await page.route("**/line/entrants?*", without_the_first)
    await page.goto(f"/events/{event}")
    await expect(check).to_have_attribute("data-found", "bad")
    wrong = page.locator('[data-testid="line-checks"] [data-mark="bad"]')
    names = await wrong.evaluate_all("(all) => all.map((one) => one.dataset.check)")
    assert set(names) == {"root", "listed", "order"}
