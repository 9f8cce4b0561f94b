"""Whoever makes what is large is in the way of nobody who sells and buys."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path

import pytest

from tests.contract.client import Answer, Api, Json, Person, after, check_problem
from tests.contract.process import Server
from tests.contract.teams import account, organisation
from tests.contract.test_images import send as send_image
from tests.pictures import picture
from tests.security.test_drafts import FRAMES, OF_EVENT, send

# Those that make giants and large pictures take a minute on a busy machine.
pytestmark = pytest.mark.attack

SEATS = 250_000
VENUES = 6
LET_IN = 4
PICTURES = 20
SIDE = 7_000


@pytest.fixture(scope="module")
def giant_server() -> Iterator[Server]:
    """Run one in one process, whose quota of seats is that of four giants."""
    server = Server(ONSALE_QUOTA_SEATS=str(LET_IN * SEATS), ONSALE_WORKERS="1")
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
async def api(giant_server: Server) -> AsyncIterator[Api]:
    async with Api(giant_server) as api:
        yield api


def rss_mb(server: Server) -> int:
    """Return how much memory the server's process takes; its children are others."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) >> 10


def giant(owner: str) -> bytes:
    """Return the body of a venue with as many seats as any may have."""
    seats = [
        {"row": str(row), "number": number, "category": "1"}
        for row in range(SEATS // 500)
        for number in range(500)
    ]
    drawn = {"categories": [{"key": "1"}], "seats": seats}
    return json.dumps(
        {"name": "Giant", "organisation": owner, "map": drawn}, separators=(",", ":")
    ).encode()


async def loaded(api: Api) -> tuple[float, float]:
    """Return how many events are loaded, and about what their venues take."""
    text = (await api.get("/metrics")).raw.decode()
    found = [
        re.search(rf"^onsale_{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        for name in ("events", "venues_bytes")
    ]
    events, venues = (float(one[1]) for one in found if one is not None)
    return events, venues


class Sale:
    """A sale beside it all, in which somebody holds one place after the other."""

    def __init__(self, api: Api, event: str, buyer: Person) -> None:
        self.api, self.event, self.buyer = api, event, buyer
        self.held = 0

    async def during(self, work: Awaitable[object]) -> None:
        """Hold and give back until something is done; all must succeed."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                held = await self.api.ok(
                    self.event, self.buyer, "hold", areas={"GA": 1}
                )
                await self.api.ok(self.event, self.buyer, "release", hold=held["hold"])
                self.held += 1
        finally:
            await task


@pytest.fixture
async def sale(api: Api) -> Sale:
    return Sale(api, await api.sale(None, capacity=50), await api.guest())


async def make_giants(api: Api, who: Person) -> list[Answer]:
    body = giant(await organisation(api, who))
    return [
        await api.request("POST", "/v1/venues", data=body, who=who)
        for _ in range(VENUES)
    ]


async def read_in_every_way(api: Api, event: str, who: Person) -> None:
    """Ask for an event by every call and frame, as somebody and as nobody."""
    for route in OF_EVENT:
        for asking in (None, who):
            for status, _, _ in await send(api, route, event, asking):
                assert status in (401, 403, 404), route
    async with await api.socket(who) as socket:
        for fields in FRAMES:
            await socket.ask(**fields, event=event)
        # Also behind what waits for the same.
        asked = [await socket.post(op, event=event) for op in ("watch", "unwatch")]
        watched, left = await asyncio.gather(*asked)
        assert (watched["code"], left["op"]) == ("event_not_found", "ok")


async def draft_at(api: Api, venue: str, who: Person) -> str:
    shown: Json = await api.good("GET", f"/v1/venues/{venue}", who=who)
    body = {
        "name": "An evening",
        "venue": venue,
        "organisation": shown["organisation"],
        "starts_at": after(days=30),
    }
    return str((await api.good("POST", "/v1/events", body, who=who))["id"])


async def test_who_asks_for_a_draft_of_others_loads_nothing(api):
    """A stranger who asks for a draft, in every way there is, loads nothing of it."""
    who = await account(api)
    made = await organisation(api, who)
    seats = [{"category": "1", "number": number} for number in range(500)]
    body = {
        "name": "Hall",
        "organisation": made,
        "map": {"categories": [{"key": "1"}], "seats": seats},
    }
    venue = (await api.good("POST", "/v1/venues", body, who=who))["id"]
    event = await draft_at(api, venue, who)
    before = await loaded(api)
    for stranger in (await api.guest(), await account(api)):
        await read_in_every_way(api, event, stranger)
    assert await loaded(api) == before
    # That it can be seen where it is loaded: whose it is may do so.
    await api.good("GET", f"/v1/events/{event}", who=who)
    events, venues = await loaded(api)
    assert (events, venues > before[1]) == (before[0] + 1, True)


@pytest.mark.campaign
async def test_six_giant_venues_of_a_free_account_are_in_nobody_s_way(
    api, giant_server, sale
):
    """Of six venues of 250,000 seats four are let in, and every hold beside succeeds.

    They are read in children, so the server's own memory grows by less than 400 MB,
    also while one of them is on sale and read.
    """
    before, who = rss_mb(giant_server), await account(api)
    answers: list[Answer] = []

    async def make() -> None:
        answers.extend(await make_giants(api, who))

    await sale.during(make())
    assert [one.status for one in answers] == LET_IN * [201] + (VENUES - LET_IN) * [409]
    refused = check_problem(answers[-1])
    assert refused["code"] == "limit_reached"
    assert (refused["limit"], refused["has"]) == (LET_IN * SEATS, LET_IN * SEATS)

    async def use() -> None:
        for number, answer in enumerate(answers[:LET_IN]):
            venue = answer.body["id"]
            assert (await api.get(f"/v1/venues/{venue}/map", who)).status == 200
            path = f"/v1/events/{await draft_at(api, venue, who)}"
            assert (await api.get(f"{path}/map")).status == 404
            if number == 0:
                await api.good("POST", f"{path}/publish", who=who)
                for tail in ("", "/map", "/availability"):
                    assert (await api.get(path + tail)).status == 200

    await sale.during(use())
    assert rss_mb(giant_server) - before < 400
    assert sale.held >= 2 * VENUES


@pytest.mark.campaign
async def test_twenty_pictures_of_49_million_pixels_leave_nothing_behind(
    api, giant_server, sale
):
    """Twenty pictures of 49 million pixels leave less than 100 MB; holds succeed."""
    event = (await api.draft(None, capacity=5))["id"]
    drawn = picture("PNG", (SIDE, SIDE))
    answer = await send_image(api, event, picture())
    assert answer.status == 200
    before = rss_mb(giant_server)

    async def upload() -> None:
        for _ in range(PICTURES):
            answer = await send_image(api, event, drawn)
            assert answer.status == 200, answer.raw

    await sale.during(upload())
    assert rss_mb(giant_server) - before < 100
    assert sale.held >= PICTURES
