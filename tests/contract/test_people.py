"""Who may do what: guests, the administrator, tokens that are none."""

import base64
import json

import pytest
from aiohttp import WSServerHandshakeError

from tests.contract.client import Api, Person, after, check_problem
from tests.contract.process import ADMIN_EMAIL

WEEK_S = 7 * 24 * 3600


async def test_a_guest_gets_a_token_for_seven_days(api):
    answer = await api.request("POST", "/v1/auth/guest")
    assert answer.status == 201
    body = answer.body
    assert body["token_type"] == "Bearer"
    assert body["user"]["role"] == "guest"
    assert isinstance(body["user"]["id"], str)
    assert abs(body["expires_in"] - WEEK_S) <= 60
    other = await api.guest()
    assert other.id != body["user"]["id"]
    assert other.token != body["access_token"]


async def test_the_administrator_of_the_environment_can_log_in(api):
    answer = await api.login()
    assert answer.status == 200
    assert answer.body["user"]["role"] == "admin"
    assert answer.body["token_type"] == "Bearer"
    assert answer.body["expires_in"] > 0
    token = answer.body["access_token"]
    admin = Person(answer.body["user"]["id"], "admin", token)
    event = await api.sale("small")
    assert (await api.get(f"/v1/events/{event}/audit", admin)).status == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ADMIN_EMAIL, "wrong"),
        (ADMIN_EMAIL, "correct horse battery stapl"),
        ("nobody@example.org", "wrong"),
    ],
)
async def test_wrong_credentials_are_401_and_do_not_tell_which_was_wrong(
    api, email, password
):
    body = check_problem(await api.login(email, password), 401)
    assert body["code"] == "unauthenticated"
    assert body["transient"] is False
    usual = check_problem(await api.login("no-one@example.org", "guess"), 401)
    assert body["detail"] == usual["detail"]


def b64(part: object) -> str:
    raw = json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forgeries(guest: Person) -> list[str]:
    """Give tokens that look more and more like a real one."""
    token = guest.token
    middle = len(token) // 2
    flipped = "A" if token[middle] != "A" else "B"
    claims = {"sub": guest.id, "role": "admin", "exp": 4_000_000_000}
    forged = [
        "garbage",
        "a.b.c",
        "ü" * 5,
        "x" * 3000,
        token[:-8],
        token + "x" * 4,
        token[:middle] + flipped + token[middle + 1 :],
        f"{b64({'alg': 'none', 'typ': 'JWT'})}.{b64(claims)}.",
        f"{b64({'alg': 'HS256', 'typ': 'JWT'})}.{b64(claims)}.{'A' * 43}",
    ]
    if token.count(".") == 2:
        head, body, signature = token.split(".")
        padded = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        promoted = json.loads(padded) | {"role": "admin"}
        forged.append(f"{head}.{b64(promoted)}.{signature}")
    return forged


async def test_forged_tokens_are_401_over_rest(api):
    event = await api.sale("small")
    for token in forgeries(await api.guest()):
        if not token.isascii():
            continue  # No client can put it in a header.
        who = Person("", "guest", token)
        answer = await api.command(event, who, "hold", seats=["A-1"])
        body = check_problem(answer, 401)
        assert body["code"] == "unauthenticated"
    assert (await api.letters(event))["A-1"] == "f"


async def test_forged_tokens_are_unauthenticated_in_a_hello(api):
    for token in forgeries(await api.guest()):
        socket = await api.socket()
        reply = await socket.ask("hello", token=token)
        assert reply["op"] in {"refused", "error"}
        assert reply["code"] == "unauthenticated"
        await socket.close()


async def test_a_forged_header_does_not_open_a_socket_that_sells(api):
    event = await api.sale("small")
    status = 401
    try:
        socket = await api.socket(Person("", "guest", "a.b.c"))
    except WSServerHandshakeError as error:
        status = error.status
    else:
        reply = await socket.ask("hold", event=event, seats=["A-1"])
        assert reply["code"] == "unauthenticated"
        await socket.close()
    assert status == 401
    assert (await api.letters(event))["A-1"] == "f"


async def test_a_token_in_the_query_string_counts_for_nothing(api):
    event = await api.sale("small")
    guest = await api.guest()
    for name in ("token", "access_token"):
        path = f"/v1/events/{event}/commands"
        answer = await api.request(
            "POST", path, {"op": "holding"}, params={name: guest.token}
        )
        check_problem(answer, 401)


async def test_without_a_token_nothing_can_be_changed(api):
    event = await api.sale("small")
    for method, path, body in (
        ("POST", "/v1/venues", {"name": "x", "chart": {}}),
        ("POST", "/v1/events", {"name": "x", "capacity": 1}),
        ("PATCH", f"/v1/events/{event}", {"name": "x"}),
        ("DELETE", f"/v1/events/{event}", None),
        ("POST", f"/v1/events/{event}/close", None),
        ("POST", f"/v1/events/{event}/commands", {"op": "hold", "seats": ["A-1"]}),
        ("GET", f"/v1/events/{event}/journal", None),
        ("GET", f"/v1/events/{event}/audit", None),
    ):
        answer = await api.request(method, path, body)
        assert check_problem(answer, 401)["code"] == "unauthenticated", path
    assert (await api.event(event))["status"] == "on_sale"


async def test_a_guest_is_forbidden_what_organisers_do(api):
    event = await api.sale("small")
    guest = await api.guest()
    new = {"name": "x", "capacity": 10, "starts_at": after(days=3)}
    for method, path, body in (
        ("POST", "/v1/venues", {"name": "x", "chart": {}}),
        ("POST", "/v1/events", new),
        ("PATCH", f"/v1/events/{event}", {"name": "x"}),
        ("DELETE", f"/v1/events/{event}", None),
        ("POST", f"/v1/events/{event}/publish", None),
        ("POST", f"/v1/events/{event}/pause", None),
        ("POST", f"/v1/events/{event}/resume", None),
        ("POST", f"/v1/events/{event}/close", None),
        ("GET", f"/v1/events/{event}/journal", None),
        ("GET", f"/v1/events/{event}/audit", None),
        ("POST", f"/v1/events/{event}/commands", {"op": "block", "seats": ["A-1"]}),
        ("POST", f"/v1/events/{event}/commands", {"op": "unblock", "seats": ["A-1"]}),
    ):
        answer = await api.request(method, path, body, who=guest)
        assert check_problem(answer, 403)["code"] == "forbidden", path
    assert (await api.event(event))["status"] == "on_sale"
    assert set((await api.availability(event))["seats"]) == {"f"}


async def test_a_guest_may_read_what_is_on_sale(api):
    event = await api.sale("small")
    guest = await api.guest()
    for path in ("", "/map", "/availability"):
        answer = await api.get(f"/v1/events/{event}{path}", guest)
        assert answer.status == 200, path


async def test_a_booking_is_shown_to_its_buyer_and_to_no_other_buyer(api):
    event = await api.sale("small")
    buyer, other = await api.guests(2)
    held = await api.ok(event, buyer, "hold", seats=["A-1", "A-2"])
    booked = await api.ok(event, buyer, "book", hold=held["hold"])
    for path in (
        f"/v1/bookings/{booked['booking']}",
        f"/v1/bookings/reference/{booked['reference']}",
    ):
        answer = await api.get(path, buyer)
        assert answer.status == 200
        assert b'"A-1"' in answer.raw
        assert b'"A-2"' in answer.raw
        assert booked["reference"].encode() in answer.raw
        refused = check_problem(await api.get(path, other), 404)
        assert refused["code"] == "booking_not_found"
        check_problem(await api.get(path), 401)


async def test_a_booking_that_never_was_is_not_found(api: Api):
    guest = await api.guest()
    for path in ("/v1/bookings/nothing", "/v1/bookings/reference/NOTHING"):
        body = check_problem(await api.get(path, guest), 404)
        assert body["code"] == "booking_not_found"
