import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.transport.http.middleware import path_to_log

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
