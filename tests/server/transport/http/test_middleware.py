import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from inventory.replies import refuse
from server.base.access import Denial
from server.base.refusals.refusals import (
    LIMIT_REACHED,
    CommandRefused,
    Denied,
    NamedEvent,
    ProblemType,
    Refusal,
    wrong_field,
)
from server.transport.http.middleware import answer_problems, path_to_log

CODE = "Vb0qKxZ5uN9cPhL2eGaF7iWtB4vXyEo3sT8Yw1dJ6mR"


async def answer(_: web.Request) -> web.Response:
    return web.Response()


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        (f"/v1/invitations/{CODE}/accept", "/v1/invitations/{code}/accept"),
        ("/v1/events/evt_1", "/v1/events/evt_1"),
        ("/nothing", "/nothing"),
    ],
)
async def test_a_code_in_a_path_is_not_logged(path, logged):
    app = web.Application()
    for known in ("/v1/invitations/{code}/accept", "/v1/events/{event}"):
        app.router.add_get(known, answer)
    request = make_mocked_request("GET", path, app=app)
    request._match_info = await app.router.resolve(request)
    assert path_to_log(request) == logged


VENUE_TAKEN = ProblemType("venue_taken", 409, "Another event has the venue.")
EVENING = NamedEvent("evt_1", "Evening")


@pytest.mark.parametrize(
    ("refusal", "status", "told"),
    [
        (Refusal("event_not_found"), 404, {"code": "event_not_found"}),
        (Denied(Denial("unauthenticated")), 401, {"code": "unauthenticated"}),
        (
            Denied(Denial("forbidden", "This needs an owner.")),
            403,
            {"code": "forbidden", "detail": "This needs an owner."},
        ),
        (
            Refusal(VENUE_TAKEN, event=EVENING),
            409,
            {"code": "venue_taken", "event": {"id": "evt_1", "name": "Evening"}},
        ),
        (Refusal(LIMIT_REACHED, limit=20), 409, {"code": "limit_reached", "limit": 20}),
        (
            wrong_field("name", "Too long."),
            422,
            {"code": "bad_field", "errors": [{"field": "name", "detail": "Too long."}]},
        ),
        (CommandRefused(refuse("overloaded")), 429, {"transient": True}),
    ],
)
async def test_what_a_service_refuses_becomes_a_problem(refusal, status, told):
    async def handler(_: web.Request) -> web.Response:
        raise refusal

    request = make_mocked_request("GET", "/v1/events/evt_1")
    response = await answer_problems(request, handler)
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    assert response.status == status
    assert response.content_type == "application/problem+json"
    document = msgspec.json.decode(response.body)
    assert {name: document[name] for name in told} == told
    assert ("WWW-Authenticate" in response.headers) == (status == 401)
    assert ("Retry-After" in response.headers) == (status == 429)
