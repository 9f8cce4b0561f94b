"""Reads from the caches: the same answers as without, and never those of before."""

import asyncio
import socket
from typing import Any

import pytest

from server.transport.ratelimit.request_limits import REQUESTS_BURST
from tests.server.conftest import ADMIN, Client, run_server
from tests.server.transport.rest.test_served import EVENT, on_sale

pytestmark = pytest.mark.postgres

ITS_OWN = {"Date", "X-Request-Id"}
TAILS = ("", "/availability")


async def stats(admin: Client, name: str) -> dict[str, int]:
    body = await admin.good("GET", "/v1/cache/stats")
    found: dict[str, int] = body["caches"][name]
    return found


def cache_of(tail: str) -> str:
    return "availability" if tail else "events"


async def hits(admin: Client, tail: str) -> int:
    return (await stats(admin, cache_of(tail)))["hits"]


async def raw(client: Client, request: str, answers: int = 1) -> bytes:
    """Send bytes over a connection of their own; return what came."""
    host, _, port = client.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode())
    taken = b""
    async with asyncio.timeout(60):
        while taken.count(b'"version":') < answers:
            data = await reader.read(65_536)
            taken += data
            if not data:
                break
    writer.close()
    return taken


async def hold(client: Client, event: str, seat: str) -> int:
    body = {"op": "hold", "seats": [seat]}
    made = await client.good("POST", f"/v1/events/{event}/commands", body)
    return int(made["version"])


@pytest.mark.parametrize("tail", TAILS)
async def test_what_takes_the_short_way_is_counted_as_what_does_not(admin, tail):
    path = f"/v1/events/{await on_sale(admin)}{tail}"
    answers = [await admin.get(path) for _ in range(3)]
    known = await admin.get(path, If_None_Match=answers[0].headers["ETag"])
    assert [one.status for one in (*answers, known)] == [200, 200, 200, 304]
    shown = (await admin.get("/metrics")).body.decode()
    for name, labels, count in (
        ("requests_total", f'route="/v1/events/{{event}}{tail}",status="200"', 3),
        ("requests_total", f'route="/v1/events/{{event}}{tail}",status="304"', 1),
        ("request_duration_seconds_count", f'route="/v1/events/{{event}}{tail}"', 4),
    ):
        line = f'onsale_http_{name}{{method="GET",{labels}}} {count}.0\n'
        assert line in shown


@pytest.mark.parametrize("tail", TAILS)
async def test_the_second_answer_is_the_first_from_the_cache(admin, guest, tail):
    path = f"/v1/events/{await on_sale(admin)}{tail}"
    first = await guest.get(path)
    before = await hits(admin, tail)
    second = await guest.get(path)
    nobodys = await guest.as_("").get(path)
    assert await hits(admin, tail) == before + 2
    assert first.body == second.body == nobodys.body
    for answer in (second, nobodys):
        assert answer.status == 200
        assert dict(answer.headers).keys() == dict(first.headers).keys()
        for name in first.headers.keys() - ITS_OWN:
            assert answer.headers[name] == first.headers[name], name
    assert len({a.headers["X-Request-Id"] for a in (first, second, nobodys)}) == 3


@pytest.mark.parametrize("tail", TAILS)
async def test_what_the_client_has_already_is_not_sent(admin, guest, tail):
    path = f"/v1/events/{await on_sale(admin)}{tail}"
    tag = (await guest.get(path)).headers["ETag"]
    before = await hits(admin, tail)
    for asked in (tag, f'"other", W/{tag}', "*"):
        answer = await guest.get(path, If_None_Match=asked)
        assert (answer.status, answer.body) == (304, b"")
        # In the form in which the client knows it.
        known = f"W/{tag}" if "W/" in asked else tag
        assert answer.headers["ETag"] == known
        assert "Content-Length" not in answer.headers
        assert "Content-Type" not in answer.headers
    assert (await guest.get(path, If_None_Match='"other"')).status == 200
    assert await hits(admin, tail) == before + 4


@pytest.mark.parametrize("tail", TAILS)
async def test_every_commit_is_seen_at_once(admin, guest, tail):
    event = await on_sale(admin)
    path = f"/v1/events/{event}{tail}"
    tags = set()
    for seat in ("A-1", "A-2", "A-3"):
        version = await hold(guest, event, seat)
        for _ in range(2):
            answer = await guest.get(path)
            assert answer.body["version"] == version
            tags.add(answer.headers["ETag"])
    assert len(tags) == 3
    counted = await stats(admin, cache_of(tail))
    assert counted["entries"] == 1
    assert counted["invalidations"] >= 2


async def test_an_edit_is_seen_at_once_and_a_withdrawn_event_not_any_more(admin, guest):
    event = await on_sale(admin)
    path = f"/v1/events/{event}"
    for name in ("One", "Other"):
        await admin.good("PATCH", path, {"name": name})
        for _ in range(2):
            assert (await guest.get(path)).body["name"] == name
    assert (await guest.get(f"{path}/availability")).status == 200
    assert (await admin.send("DELETE", path)).status == 204
    for tail in TAILS:
        for _ in range(2):
            answer = await guest.get(path + tail)
            assert (answer.status, answer.body["code"]) == (404, "event_not_found")


async def test_a_draft_is_kept_in_no_cache(admin):
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    for tail in TAILS:
        for _ in range(2):
            assert (await admin.get(f"/v1/events/{event}{tail}")).status == 200
        counted = await stats(admin, cache_of(tail))
        assert (counted["entries"], counted["hits"]) == (0, 0)


@pytest.mark.parametrize("tail", TAILS)
async def test_who_must_not_read_is_refused_though_there_is_an_answer(
    admin, guest, tail
):
    path = f"/v1/events/{await on_sale(admin)}{tail}"
    somebody = {"email": "a@example.org", "password": "a long password", "name": "A"}
    token = (await guest.as_("").good("POST", "/v1/auth/register", somebody))[
        "access_token"
    ]
    owner = guest.as_(token)
    for _ in range(2):
        assert (await owner.get(path)).status == 200
    for asked in (
        guest.as_("no token").get(path),
        guest.as_("").get(path, X_API_Key="none"),
        guest.as_("").get(path, Authorization="Basic YTpi"),
    ):
        answer = await asked
        assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"]
    both = await guest.get(path, X_API_Key="none")
    assert (both.status, both.body["code"]) == (400, "bad_frame")
    await owner.post("/v1/auth/logout")
    assert (await owner.get(path)).status == 401


@pytest.mark.parametrize(
    ("line", "headers", "answer", "ends"),
    [
        ("GET {} HTTP/1.0", "", b"HTTP/1.0 200 ", True),
        ("GET {} HTTP/1.0", "Connection: keep-alive\r\n", b"HTTP/1.0 200 ", False),
        ("GET {} HTTP/1.1", "Connection: close\r\n", b"HTTP/1.1 200 ", True),
        ("HEAD {} HTTP/1.1", "Connection: close\r\n", b"HTTP/1.1 200 ", True),
        ("GET {}?x=1 HTTP/1.1", "Connection: close\r\n", b"HTTP/1.1 422 ", True),
        ("GET {}/ HTTP/1.1", "Connection: close\r\n", b"HTTP/1.1 308 ", True),
        ("GET {} HTTP/1.1", "Expect: 100-continue\r\n", b"HTTP/1.1 100 ", False),
    ],
)
async def test_an_unusual_request_goes_the_usual_way(
    admin, guest, line, headers, answer, ends
):
    path = f"/v1/events/{await on_sale(admin)}"
    await guest.get(path)
    taken = await raw(guest, f"{line.format(path)}\r\nHost: x\r\n{headers}\r\n")
    assert taken.startswith(answer)
    if b"HTTP/1.1 200 " in taken and ends:
        assert b"\r\nConnection: close\r\n" in taken
    if b"HTTP/1.0 200 " in taken and not ends:
        assert b"\r\nConnection: keep-alive\r\n" in taken
    assert (b'"version":' in taken) == (b" 200 " in taken and "HEAD" not in line)


async def test_requests_in_a_row_are_answered_in_order(admin, guest):
    event = await on_sale(admin)
    for tail in TAILS:
        await guest.get(f"/v1/events/{event}{tail}")
    paths = [f"/v1/events/{event}{tail}" for tail in TAILS * 10]
    sent = "".join(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: n-{number}\r\n\r\n"
        for number, path in enumerate(paths)
    )
    taken = await raw(guest, sent, answers=len(paths))
    ids = [
        line.partition(b": ")[2].decode()
        for line in taken.split(b"\r\n")
        if line.startswith(b"X-Request-Id: ")
    ]
    assert ids == [f"n-{number}" for number in range(len(paths))]


async def test_who_takes_nothing_is_not_answered_without_end(admin, guest):
    asked_for, seats = 3_000, 20_000
    numbers = [{"row": "A", "number": str(n), "category": "1"} for n in range(seats)]
    hall = {"categories": [{"key": "1"}], "seats": numbers}
    venue = await admin.good("POST", "/v1/venues", {"name": "Hall", "map": hall})
    body = {"name": "Gala", "venue": venue["id"], "starts_at": EVENT["starts_at"]}
    event = (await admin.good("POST", "/v1/events", body))["id"]
    await admin.good("POST", f"/v1/events/{event}/publish")
    path = f"/v1/events/{event}/availability"
    await guest.get(path)
    host, _, port = guest.url.removeprefix("http://").partition(":")
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, (host, int(port)))
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        sending = asyncio.create_task(
            asyncio.get_running_loop().sock_sendall(deaf, request * asked_for)
        )
        taken, same = 0, 0
        async with asyncio.timeout(60):
            # Until the server answers others only.
            while same < 20 or not taken:
                now = await hits(admin, "/availability")
                same = same + 1 if now == taken else 0
                taken = now
        sending.cancel()
    assert 0 < taken < asked_for // 2


async def test_an_id_that_would_be_a_header_is_not_repeated(admin, guest):
    path = f"/v1/events/{await on_sale(admin)}"
    for wish in ("a b", "x" * 65, "ü"):
        for _ in range(2):
            got = (await guest.get(path, X_Request_Id=wish)).headers["X-Request-Id"]
            assert got != wish
            assert got.isascii()


async def test_reads_from_the_cache_count_and_are_refused_beyond_the_limit(
    database_url,
):
    async for limited in run_server(database_url):
        body = await limited.good("POST", "/v1/auth/login", ADMIN)
        admin = limited.as_(body["access_token"])
        path = f"/v1/events/{await on_sale(admin)}"
        buyer = limited.as_(
            (await limited.good("POST", "/v1/auth/guest"))["access_token"]
        )
        first = await buyer.get(path)
        second = await buyer.get(path)
        left = [int(a.headers["RateLimit-Remaining"]) for a in (first, second)]
        assert left[1] < REQUESTS_BURST
        assert second.headers.keys() == first.headers.keys()
        answers = await asyncio.gather(
            *(buyer.get(path) for _ in range(2 * REQUESTS_BURST))
        )
        refused = [answer for answer in answers if answer.status != 200]
        assert refused
        assert {answer.body["code"] for answer in refused} == {"rate_limited"}
        assert all("Retry-After" in answer.headers for answer in refused)


async def names(client: Client, query: str = "") -> list[str]:
    body = await client.good("GET", f"/v1/events{query}")
    return [item["name"] for item in body["items"]]


async def test_a_buyers_list_follows_every_change_at_once(admin, guest):
    assert await names(guest) == []
    event = await on_sale(admin)
    for _ in range(2):
        assert await names(guest) == ["Gala"]
    path = f"/v1/events/{event}"
    await admin.good("PATCH", path, {"name": "Ball"})
    for _ in range(2):
        assert await names(guest) == ["Ball"]
    await admin.post(f"{path}/pause")
    assert await names(guest, "?status=on_sale") == []
    assert await names(guest, "?status=paused") == ["Ball"]
    await admin.send("DELETE", path)
    assert await names(guest) == []


async def test_a_list_comes_from_the_cache_and_not_to_an_organiser(admin, guest):
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    await on_sale(admin)
    asked: list[Any] = []
    # A list is good for a second at most, which may just be over.
    async with asyncio.timeout(60):
        while not (counted := await stats(admin, "lists"))["hits"]:
            asked = [await guest.get("/v1/events") for _ in range(2)]
    assert asked[0].headers["ETag"] == asked[1].headers["ETag"]
    assert event not in {item["id"] for item in asked[1].body["items"]}
    seen = (await admin.good("GET", "/v1/events"))["items"]
    assert event in {item["id"] for item in seen}
    assert (await stats(admin, "lists"))["entries"] <= counted["entries"]


async def test_queries_that_only_look_alike_are_kept_apart(admin, guest):
    await on_sale(admin)
    for _ in range(2):
        assert await names(guest, "?q=Gala&status=on_sale") == ["Gala"]
        assert await names(guest, "?q=Gala%26status=on_sale") == []


async def test_only_administrators_see_and_clear_the_caches(admin, guest):
    for method, path in (("GET", "/v1/cache/stats"), ("POST", "/v1/cache/clear")):
        assert (await guest.as_("").send(method, path)).status == 401
        assert (await guest.send(method, path)).status == 403


async def test_what_was_cleared_is_made_again(admin, guest):
    event = await on_sale(admin)
    paths = [f"/v1/events/{event}{tail}" for tail in (*TAILS, "/map")]
    before = [await guest.get(path) for path in paths]
    cleared = await admin.good("POST", "/v1/cache/clear")
    assert cleared["entries"] == 3
    assert cleared["bytes"] > sum(len(str(answer.body)) for answer in before)
    held = await admin.good("GET", "/v1/cache/stats")
    assert all(not one["entries"] for one in held["caches"].values())
    assert all(not one["bytes"] for one in held["caches"].values())
    after = [await guest.get(path) for path in paths]
    assert [a.body for a in after] == [b.body for b in before]
    assert [a.headers["ETag"] for a in after] == [b.headers["ETag"] for b in before]
