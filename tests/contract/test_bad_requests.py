"""Requests that are wrong: problems in one form, with a stable code."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.contract.client import Api, Person, after, check_problem


@pytest.fixture(autouse=True)
async def the_server_logs_no_traceback(log_since):
    yield
    assert "Traceback" not in log_since()


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/v1", "/v2/events"])
async def test_an_unknown_path_is_404_in_problem_form(api, path):
    check_problem(await api.get(path, api.admin), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/auth/guest"),
        ("PUT", "/v1/events"),
        ("GET", "/v1/auth/login"),
        ("POST", "/livez"),
    ],
)
async def test_a_wrong_method_is_405_with_the_right_ones(api, method, path):
    answer = await api.request(method, path, who=api.admin)
    check_problem(answer, 405)
    assert answer.headers["allow"]


async def test_every_problem_has_its_own_request_id(api):
    ids = {(await api.get("/v1/nothing")).body["request_id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe", b"{'name': 1}", b'{"name": }', b"NaN"]
)
async def test_a_body_that_is_no_json_is_400(api, data):
    event = await api.sale("small")
    for path in ("/v1/venues", "/v1/events", f"/v1/events/{event}/commands"):
        answer = await api.request("POST", path, who=api.admin, data=data)
        check_problem(answer, 400)


@pytest.mark.parametrize("body", [[], "text", 5])
async def test_a_body_that_is_no_object_is_an_error_of_the_client(api, body):
    event = await api.sale("small")
    for path in (
        "/v1/venues",
        "/v1/events",
        "/v1/auth/login",
        f"/v1/events/{event}/commands",
    ):
        answer = await api.request("POST", path, body, who=api.admin)
        assert check_problem(answer)["status"] in {400, 422}


async def test_a_validation_problem_names_the_fields(api):
    body = {"name": 5, "capacity": 10, "starts_at": after(days=3)}
    answer = await api.request("POST", "/v1/events", body, who=api.admin)
    problem = check_problem(answer, 422)
    assert any("name" in error["field"] for error in problem["errors"])
    assert all(error["detail"] for error in problem["errors"])


async def test_a_login_without_its_fields_is_422(api):
    for body in ({}, {"email": "a@example.org"}, {"email": 5, "password": "x"}):
        check_problem(await api.request("POST", "/v1/auth/login", body), 422)


async def test_nul_and_huge_values_do_no_harm_over_rest(api):
    guest = await api.guest()
    for body in (
        {"name": "nul\x00", "capacity": 10, "starts_at": after(days=3)},
        {"name": "x", "capacity": 10**30, "starts_at": after(days=3)},
        {"name": "\ud800", "capacity": 10, "starts_at": after(days=3)},
    ):
        answer = await api.request("POST", "/v1/events", body, who=api.admin)
        assert 400 <= check_problem(answer)["status"] < 500
    for path in ("/v1/events/%00", "/v1/bookings/%00", "/v1/events/" + "x" * 3000):
        answer = await api.get(path, guest)
        assert 400 <= answer.status < 500
    for params in ({"q": "\x00"}, {"q": "x" * 2000}, {"q": "%_'\";--"}):
        answer = await api.request("GET", "/v1/events", who=api.admin, params=params)
        assert answer.status < 500
    for params in ({"limit": "x"}, {"from": "yesterday"}, {"status": "odd"}):
        answer = await api.request("GET", "/v1/events", who=api.admin, params=params)
        assert 400 <= check_problem(answer)["status"] < 500


async def test_wrong_commands_over_rest_have_their_code_and_status(api):
    event = await api.sale("small")
    guest = await api.guest()
    cases = [
        ({"op": "steal"}, 400, {"unknown_op"}),
        ({"op": "pledge", "hold": "h", "order": "o"}, 400, {"unknown_op"}),
        ({"op": "cancel_part", "booking": "b"}, 400, {"unknown_op"}),
        ({"op": "hold", "seats": ["A-1"], "colour": 1}, 422, {"bad_field"}),
        ({"op": "hold", "seats": ["A-1\x00"]}, 422, {"bad_field"}),
        ({"op": "hold", "seats": ["\ud800"]}, 422, {"bad_field"}),
    ]
    for body, status, codes in cases:
        path = f"/v1/events/{event}/commands"
        answer = await api.request("POST", path, body, who=guest)
        problem = check_problem(answer, status)
        assert problem["code"] in codes
    for body in ({"op": 5}, {"op": "hold", "seats": "A-1"}, {"op": "hold_best"}, {}):
        answer = await api.request(
            "POST", f"/v1/events/{event}/commands", body, who=guest
        )
        assert check_problem(answer)["code"] in {"bad_field", "bad_frame", "unknown_op"}
    assert set((await api.availability(event))["seats"]) == {"f"}


async def raw_request(api: Api, who: Person, path: str, size: int) -> tuple[int, bytes]:
    """Send a body of any size and read the answer though it may come early."""
    address = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {who.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    )
    writer.write(head.encode())

    async def pour() -> None:
        chunk = b" " * 1_000_000
        for _ in range(size // len(chunk)):
            writer.write(chunk)
            await writer.drain()

    pouring = asyncio.create_task(pour())
    try:
        async with asyncio.timeout(60):
            head_bytes = await reader.readuntil(b"\r\n\r\n")
    finally:
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    return int(head_bytes.split()[1]), head_bytes


async def test_a_body_without_measure_is_413(api):
    event = await api.sale("small")
    for path in ("/v1/venues", f"/v1/events/{event}/commands"):
        status, head = await raw_request(api, api.admin, path, 200_000_000)
        assert status == 413
        assert b"application/problem+json" in head
    assert (await api.get("/readyz")).status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/auth/guest HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_http_harms_nobody(api, raw):
    address = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(raw)
    answer = await asyncio.gather(reader.read(1000), return_exceptions=True)
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    first = answer[0]
    if isinstance(first, bytes) and first:
        assert first.split()[1].startswith(b"4")
    assert (await api.get("/livez")).status == 200
