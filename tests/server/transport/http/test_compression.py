"""Large reads are packed for whoever takes gzip, and nothing else is."""

import asyncio
import gzip
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from server.transport.http import compressor, etags
from server.transport.http.compressor import (
    ASIDE_BYTES_MIN,
    PACKED_BYTES_MIN,
    Compressor,
    takes_gzip,
)
from server.transport.http.response_cache import Cache
from tests.server.conftest import Client

PACKED = {"Accept_Encoding": "gzip"}
PLAIN = {"Accept_Encoding": "identity"}
# Long enough to be packed aside, and short enough.
LARGE = "".join(f"{number:05}" for number in range(ASIDE_BYTES_MIN // 4)).encode()
SMALL = LARGE[: PACKED_BYTES_MIN + 1]


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("*", True),
        ("br", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("gzip;q=nonsense", False),
        ("gzip;q=nan", False),
        ("gzip;x=1", True),
    ],
)
def test_who_takes_gzip(accepted, takes):
    assert takes_gzip(accepted) is takes


async def hall(admin: Client, rows: int = 60) -> str:
    """Make an event at a venue whose map and availability are large."""
    seats = [
        {"label": f"{row}-{number}", "row": str(row), "number": str(number)}
        | {"category": "1", "x": number, "y": row}
        for row in range(rows)
        for number in range(100)
    ]
    drawn = {
        "seats": seats,
        "categories": [{"key": "1", "label": "Stalls", "color": "#4c78a8"}],
    }
    venue = await admin.good("POST", "/v1/venues", {"name": "Hall", "map": drawn})
    body = {"name": "Gala", "venue": venue["id"], "starts_at": "2031-01-01T20:00:00Z"}
    body |= {"prices": {"1": {"amount": 1, "currency": "EUR"}}}
    event = (await admin.good("POST", "/v1/events", body))["id"]
    await admin.good("POST", f"/v1/events/{event}/publish")
    return f"/v1/events/{event}"


async def raw(client: Client, path: str, **headers: str) -> tuple[Any, bytes]:
    """Read without unpacking."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if client.token:
        sent["Authorization"] = f"Bearer {client.token}"
    async with client.session.get(
        client.url + path, headers=sent, auto_decompress=False
    ) as answer:
        return answer, await answer.read()


async def test_maps_and_availability_are_packed_once_with_a_weak_tag(admin, guest):
    path = await hall(admin)
    for tail in ("/map", "/availability", "/availability"):
        plain, original = await raw(guest, path + tail, **PLAIN)
        packed, bytes_ = await raw(guest, path + tail, **PACKED)
        again, same = await raw(guest, path + tail, **PACKED)
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(bytes_) == original
        assert same == bytes_
        assert int(packed.headers["Content-Length"]) == len(bytes_) < len(original) / 4
        tag = plain.headers["ETag"]
        assert packed.headers["ETag"] == again.headers["ETag"] == f"W/{tag}"
        for answer in (plain, packed, again):
            assert "Accept-Encoding" in answer.headers["Vary"]
            assert answer.headers["Cache-Control"] == plain.headers["Cache-Control"]
        # Whichever form is known, the content is, and it is named as it is known.
        for known in (tag, f"W/{tag}"):
            for takes in (PLAIN, PACKED):
                answer, body = await raw(
                    guest, path + tail, If_None_Match=known, **takes
                )
                assert (answer.status, body) == (304, b"")
                assert answer.headers["ETag"] == known
                assert "Accept-Encoding" in answer.headers["Vary"]
    found = (await admin.good("GET", "/v1/cache/stats"))["caches"]["packed"]
    assert found["entries"] == 2
    assert found["misses"] == 2


async def test_what_changes_is_packed_anew_and_what_does_not_only_once(admin, guest):
    path = await hall(admin)
    for _ in range(5):
        answer, _ = await raw(guest, f"{path}/map", **PACKED)
        assert answer.headers["Content-Encoding"] == "gzip"
    found = (await admin.good("GET", "/v1/cache/stats"))["caches"]["packed"]
    assert (found["entries"], found["misses"], found["hits"]) == (1, 1, 4)
    await raw(guest, f"{path}/availability", **PACKED)
    command = {"op": "hold", "seats": ["0-1"]}
    held = await guest.good("POST", f"{path}/commands", command)
    _, body = await raw(guest, f"{path}/availability", **PACKED)
    now = json.loads(gzip.decompress(body))
    assert now["version"] == held["version"]
    assert "h" in now["seats"]


async def test_answers_that_may_hold_secrets_and_small_ones_are_not_packed(admin):
    made = await admin.good("POST", "/v1/organisations", {"name": "Club"})
    path = f"/v1/organisations/{made['id']}/api-keys"
    body = {"name": "x", "scopes": ["events:read"]}
    key = await admin.send("POST", path, body, Accept_Encoding="gzip")
    assert key.status == 201
    assert "Content-Encoding" not in key.headers
    small, _ = await raw(admin, path, **PACKED)
    assert "Content-Encoding" not in small.headers
    assert "Accept-Encoding" in small.headers["Vary"]
    problem, _ = await raw(admin, "/v1/events/none", **PACKED)
    assert "Content-Encoding" not in problem.headers


async def test_descriptions_and_scripts_are_packed(client):
    for path in (
        "/openapi.json",
        "/docs/redoc.standalone.js",
        "/assets/client/connection.js",
    ):
        plain, original = await raw(client, path, **PLAIN)
        packed, body = await raw(client, path, **PACKED)
        assert gzip.decompress(body) == original
        assert len(body) < len(original)
        assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
        assert etags.matches(packed.headers["ETag"], plain.headers["ETag"])
        # A HEAD tells what a GET would.
        sent = {"Accept-Encoding": "gzip"}
        async with client.session.head(client.url + path, headers=sent) as head:
            assert head.headers["Content-Encoding"] == "gzip"
            assert head.headers["Content-Length"] == str(len(body))


async def test_a_crowd_makes_one_of_a_large_body(monkeypatch):
    made = 0

    def counted(body: bytes, level: int, *, mtime: int) -> bytes:
        nonlocal made
        made += 1
        return gzip.compress(body, level, mtime=mtime)

    counting = SimpleNamespace(compress=counted)
    monkeypatch.setattr(compressor, "gzip", counting)
    packing = Compressor(Cache(1 << 20))
    bodies = await asyncio.gather(
        *(packing.pack("/map", '"tag"', LARGE) for _ in range(50))
    )
    assert made == 1
    assert {gzip.decompress(body or b"") for body in bodies} == {LARGE}
    for tag, body in (('"tag"', SMALL), ('"new"', LARGE)):
        packed = await packing.pack("/small", tag, body)
        assert packed is not None
        assert gzip.decompress(packed) == body
    assert made == 3
    assert packing.find("/small", '"tag"') is None


async def test_packing_what_changes_all_the_time_takes_a_share_of_the_loop(monkeypatch):
    now_s = 1_000.0

    def slow(body: bytes, level: int, *, mtime: int) -> bytes:
        nonlocal now_s
        now_s += 0.03
        return gzip.compress(body, level, mtime=mtime)

    monkeypatch.setattr(compressor, "gzip", SimpleNamespace(compress=slow))
    packing = Compressor(Cache(1 << 20), lambda: now_s)

    async def packed(count: int) -> int:
        """How many of these versions are packed."""
        made = [await packing.pack("/a", f'"{now_s}.{n}"', SMALL) for n in range(count)]
        return sum(one is not None for one in made)

    assert await packed(10) == 4
    assert packing.rests(SMALL)
    now_s += 10 * 0.03 / compressor.SHARE_MAX
    assert await packed(10) == 4
    # What takes a thread takes nothing of the loop, and what is there is there.
    assert await packing.pack("/map", '"m"', LARGE) is not None
    assert packing.rests(SMALL)
    assert await packing.pack("/map", '"m"', LARGE) is not None


async def test_nobody_waits_for_another_body_that_is_packed_aside(monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def held_up(body: bytes, level: int, *, mtime: int) -> bytes:
        begun.set()
        assert go_on.wait(30)
        return gzip.compress(body, level, mtime=mtime)

    monkeypatch.setattr(compressor, "gzip", SimpleNamespace(compress=held_up))
    packing = Compressor(Cache(1 << 20))
    first, second, leaver = [
        asyncio.create_task(packing.pack("/map", '"1"', LARGE)) for _ in range(3)
    ]
    await asyncio.to_thread(begun.wait, 30)
    assert await packing.pack("/map", '"2"', LARGE) is None
    assert await packing.pack("/other", '"1"', LARGE) is None
    leaver.cancel()
    go_on.set()
    assert gzip.decompress(await first or b"") == LARGE
    assert await second == await first
    assert await packing.pack("/map", '"1"', LARGE) == await first


async def test_packing_aside_takes_a_share_too(monkeypatch):
    now_s = 1_000.0

    def slow(body: bytes, level: int, *, mtime: int) -> bytes:
        nonlocal now_s
        now_s += 1.2
        return gzip.compress(body, level, mtime=mtime)

    monkeypatch.setattr(compressor, "gzip", SimpleNamespace(compress=slow))
    packing = Compressor(Cache(1 << 20), lambda: now_s)
    made = [await packing.pack("/a", f'"{n}"', LARGE) for n in range(5)]
    # Two seconds at once, and a quarter of what these took.
    assert [one is not None for one in made] == [True] * 3 + [False] * 2
    assert packing.rests(LARGE)
    assert not packing.rests(SMALL)
