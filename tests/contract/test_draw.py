"""A whole draw as anybody sees it: over REST and sockets, and checked offline.

A relay of a beacon of our own runs beside the server. Nothing here hangs on how fast
either is: who joins when the list is closed is late, and a round that is missed is put
off by rule.
"""

import asyncio
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventory.line.draw import BucketProof, is_proven
from server.base.paths import import_path
from tests.contract.client import Api, check_problem
from tests.contract.process import Server
from tests.relays import run_relay

BEACON = "demo"
GUESTS = 300
AT_ONCE = 20
CLOSES_S = 10
"""So long after an event is made its list closes."""


@pytest.fixture(scope="module")
def relay() -> Iterator[tuple[str, str]]:
    """Run a relay; give its address and chain."""
    with run_relay() as found:
        yield found


@pytest.fixture(scope="module")
def drawing_server(relay: tuple[str, str]) -> Iterator[Server]:
    """Run a server that believes it."""
    url, chain = relay
    server = Server(ONSALE_BEACON_RELAYS=url, ONSALE_BEACON_CHAIN=chain)
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
async def api(drawing_server: Server) -> Any:
    async with Api(drawing_server) as api:
        yield api


async def gathering(api: Api, closes_s: float) -> str:
    """Make an event with a line that is drawn, and open it."""
    event = await with_line(api, closes_s)
    await api.good("POST", f"/v1/events/{event}/line/open", who=api.admin)
    return event


async def joined_by(api: Api, who: Any, wish: dict[str, Any]) -> tuple[str, Any]:
    """Make an event whose list somebody is on, however slow the machine is."""
    for attempt in range(6):
        event = await with_line(api, CLOSES_S * 2**attempt)
        path = f"/v1/events/{event}/line"
        opened = await api.request("POST", f"{path}/open", who=api.admin)
        if opened.status == 409:
            # The list would be closed already.
            continue
        body = {"wish": wish}
        place = await api.good("POST", f"{path}/entries", body, who=who)
        if place["phase"] == "gathering":
            return event, place
    raise AssertionError("lists close before anybody can join")


async def with_line(api: Api, closes_s: float) -> str:
    """Make an event with a line that is drawn."""
    opens_at = datetime.now(UTC) + timedelta(seconds=closes_s + 1)
    terms = {
        "mode": "draw",
        "opens_at": opens_at.isoformat(),
        "closes_before_s": 1,
        "fix_within_s": 4,
        "beacon": BEACON,
    }
    return await api.sale(None, capacity=50, line=terms)


async def drawn(api: Api, event: str) -> dict[str, Any]:
    """Wait until a line is drawn and all of its entrants are known to the event."""
    line: dict[str, Any] = {}
    for _ in range(1_200):
        line = await api.good("GET", f"/v1/events/{event}/line")
        if line["phase"] in {"open", "waitlist", "over"}:
            return line
        await asyncio.sleep(0.1)
    raise AssertionError(line)


async def all_ranked(api: Api, event: str, people: list[Any]) -> list[int]:
    """Wait until each has a rank."""
    path, ranks = f"/v1/events/{event}/line/entries/me", list[int]()
    for who in people:
        rank = None
        for _ in range(1_200):
            rank = (await api.good("GET", path, who=who))["rank"]
            if rank is not None:
                break
            await asyncio.sleep(0.05)
        assert rank is not None
        ranks.append(rank)
    return ranks


async def transcript(api: Api, event: str, **query: Any) -> bytes:
    """Read a transcript."""
    path = f"{api.url}/v1/events/{event}/line/transcript"
    async with api.session.get(path, params=query) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/x-ndjson"
        return await answer.read()


def verify(folder: Path, transcript: bytes, **options: str) -> tuple[int, str]:
    """Run the command where nothing of a server is set."""
    path = folder / "line.ndjson"
    path.write_bytes(transcript)
    given = [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "server", "verify", str(path), *given],
        env={"PYTHONPATH": import_path()},
        cwd="/",
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


async def test_300_join_while_the_list_closes_and_all_can_check_it(
    api, relay, tmp_path
):
    people = await api.guests(GUESTS)
    event, place = await joined_by(api, people[0], wish_of(0))
    path = f"/v1/events/{event}/line"
    gate = asyncio.Semaphore(AT_ONCE)

    async def join(number: int) -> None:
        body = {"wish": wish_of(number)}
        async with gate:
            await api.good("POST", f"{path}/entries", body, who=people[number])

    async with await api.socket(people[0]) as socket:
        await socket.ok("wait", event=event)
        await asyncio.gather(*map(join, range(1, GUESTS)))
        frame = await socket.next("line_fixed", timeout_s=120, event=event)
        witness = {"arrived_ms": time.time_ns() // 1_000_000, "frame": frame}
        told = await socket.next("line_drawn", timeout_s=120, event=event)
    line = await drawn(api, event)
    assert (line["root"], line["entries"]) == (frame["root"], frame["entries"])
    assert (line["seed"], line["line_hash"]) == (told["seed"], told["line_hash"])
    ranks = await all_ranked(api, event, people)
    assert sorted(ranks) == list(range(1, GUESTS + 1))
    read = await transcript(api, event)
    key = await api.good("GET", "/v1/receipt-key")
    (tmp_path / "key").write_text(json.dumps(key))
    (tmp_path / "witness").write_text(json.dumps(witness))
    mine = await api.good("GET", f"{path}/entries/me", who=people[0])
    status, said = verify(
        tmp_path,
        read,
        key=str(tmp_path / "key"),
        chain=relay[1],
        witness=str(tmp_path / "witness"),
        place=mine["place"],
    )
    assert status == 0, said
    assert f"rank {ranks[0]:,} of" in said
    records = [json.loads(record) for record in read.splitlines()]
    counts = records[-2]["counts"]
    assert counts["entries"] + counts["late"] == GUESTS
    assert counts["entries"] == frame["entries"] >= 1
    await proves(api, event, frame, place["stub"], ranks[0])
    await packed(api, event, read)
    assert told["beacon"] == line["beacon"]
    assert line["round"] == frame["round"]
    statement = {"op": "line_fixed", **line["statement"]}
    assert {**statement, "signature": line["signature"]} == frame
    await later(api, event, people[0], frame, told | {"rank": ranks[0]})


def wish_of(number: int) -> dict[str, Any]:
    """Return a wish that not everybody has."""
    return {"quantity": 1 + number % 3, "together": False}


async def later(
    api: Api, event: str, who: Any, fixed: dict[str, Any], drawn: dict[str, Any]
) -> None:
    """Who comes back is told the same at once, by whichever way."""
    for op in ("wait", "join_line"):
        async with await api.socket(who) as socket:
            wish = {"wish": wish_of(0)} if op == "join_line" else {}
            answer = await socket.ok(op, event=event, **wish)
            assert answer["rank"] == drawn["rank"]
            assert await socket.next("line_fixed", event=event) == fixed
            assert await socket.next("line_drawn", event=event) == drawn


async def proves(
    api: Api, event: str, frame: dict[str, Any], stub: str, rank: int
) -> None:
    """Somebody finds the own stub under the root that was told."""
    own = bytes.fromhex(stub)
    bucket = own[0] << 2 | own[1] >> 6
    proof = await api.good("GET", f"/v1/events/{event}/line/entrants?bucket={bucket}")
    proof = BucketProof(**proof)
    assert is_proven(proof, root=frame["root"], stub=own)
    assert proof.ranks is not None
    assert rank in proof.ranks
    beyond = await api.get(f"/v1/events/{event}/line/entrants?bucket=1024")
    check_problem(beyond, 422)


async def packed(api: Api, event: str, plain: bytes) -> None:
    """Who takes gzip gets the same in less; the end may tell of what came since."""
    async with api.session.get(
        f"{api.url}/v1/events/{event}/line/transcript?draw=1",
        headers={"Accept-Encoding": "gzip"},
        auto_decompress=False,
    ) as answer:
        body = await answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
    told = zlib.decompress(body, wbits=31)
    assert told.splitlines()[:6] == plain.splitlines()[:6]
    assert len(body) < len(told)


async def test_a_draw_is_given_up_for_another_before_its_round_is_out(
    api, relay, tmp_path
):
    """Twice asked for one draw it is given up once; its seed is told."""
    event = await gathering(api, closes_s=3_600)
    path = f"/v1/events/{event}/line"
    early = await api.request("POST", f"{path}/draw", who=api.admin)
    assert check_problem(early, 409)["code"] == "wrong_state"
    unknown = await api.get(f"{path}/entrants?bucket=0")
    assert check_problem(unknown, 404)["code"] == "draw_not_found"
    (ann,) = await api.guests(1)
    body = {"wish": {"quantity": 1}}
    before = await api.good("POST", f"{path}/entries", body, who=ann)
    restart, of_first = f"{path}/restart", {"draw": 1}
    for attempt in range(6):
        await soon(api, event, CLOSES_S * 2**attempt)
        answer = await api.request("POST", restart, of_first, who=api.admin)
        if answer.status != 409:
            break
        # The list would be closed already.
    again = await api.good("POST", restart, of_first, who=api.admin)
    assert again["draw"] == 2
    far = await api.request("POST", f"{path}/restart", {"draw": 7}, who=api.admin)
    assert check_problem(far, 409)["code"] == "wrong_state"
    mine = await api.good("GET", f"{path}/entries/me", who=ann)
    assert mine["entry"] == before["entry"]
    await drawn(api, event)
    late = await api.request("POST", f"{path}/restart", {"draw": 1}, who=api.admin)
    assert late.status == 200
    assert (await all_ranked(api, event, [ann])) == [1]
    read = await transcript(api, event)
    status, said = verify(tmp_path, read, chain=relay[1])
    assert status == 0, said
    assert "whole, weak: seed_only" in said
    records = [json.loads(record) for record in read.splitlines()]
    assert records[1]["state"] == "given_up"
    assert records[1]["seed"] is not None
    first = await transcript(api, event, draw=1)
    status, said = verify(tmp_path, first, chain=relay[1])
    assert (status, said.splitlines()[-1]) == (2, "nothing to check")
    for number in (3, 10**13):
        none = await api.get(f"{path}/transcript?draw={number}")
        assert check_problem(none, 404)["code"] == "draw_not_found"


async def soon(api: Api, event: str, closes_s: float) -> None:
    """Let the next list of an event close soon, and draw it without a beacon."""
    opens_at = datetime.now(UTC) + timedelta(seconds=closes_s + 1)
    line = {
        **(await api.event(event))["line"],
        "opens_at": opens_at.isoformat(),
        "beacon": None,
    }
    await api.good("PATCH", f"/v1/events/{event}", {"line": line}, who=api.admin)


async def test_a_line_by_a_beacon_that_nobody_knows_is_not_opened(api):
    terms = {"mode": "draw", "beacon": "moon"}
    made = await api.draft(None, capacity=5, line=terms)
    assert made["line"]["beacon"] == "moon"
    path = f"/v1/events/{made['id']}/line/open"
    refused = await api.request("POST", path, who=api.admin)
    assert check_problem(refused, 409)["code"] == "wrong_state"
