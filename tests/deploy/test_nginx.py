"""The example of a reverse proxy, in a real nginx before a real server."""

import http.client
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import aiohttp
import pytest

from server.base.limits import PING_S
from server.events.images.rest import FORM_BYTES_MAX
from server.transport.rest.bodies import BODY_TIMEOUT_S, CHART_BYTES_MAX
from tests.contract.process import Server
from tests.deploy.proxy import EXAMPLE, Proxy, find_nginx, proxying
from tests.scratch import make_folder

PUBLIC_LIMIT = 60
STRANGER = "127.0.0.77"
NEIGHBOUR = "127.0.0.78"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that believes its proxy, and counts also those on its own machine."""
    server = Server(
        rate_limits=True,
        ONSALE_TRUSTED_PROXIES="127.0.0.1",
        ONSALE_RATE_LIMIT_PUBLIC=str(PUBLIC_LIMIT),
    )
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="module")
def nginx() -> str:
    found = find_nginx()
    if found is None:
        pytest.skip("no nginx: TEST_NGINX=$(.ci/from-debian nginx nginx)")
    return found


@contextmanager
def scratch() -> Iterator[Path]:
    folder = make_folder("nginx")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def proxy(server: Server, nginx: str) -> Iterator[Proxy]:
    with scratch() as folder, proxying(nginx, folder, server.url) as proxy:
        yield proxy


def setting(name: str) -> int:
    """A number in the example, in seconds or bytes."""
    found = re.search(rf"(?m)^ *{name} (\d+)([sm]?);", EXAMPLE.read_text())
    assert found is not None, name
    return int(found[1]) << (20 if found[2] == "m" else 0)


def test_nginx_finds_nothing_to_warn_of(proxy, nginx):
    command = [nginx, "-t", "-e", "stderr", "-p", proxy.folder]
    done = subprocess.run(
        [*command, "-c", proxy.folder / "nginx.conf"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_what_is_not_encrypted_is_sent_to_where_it_is(proxy):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=60)
    connection.request("GET", "/v1/events?limit=1")
    answer = connection.getresponse()
    connection.close()
    assert answer.status == 308
    assert answer.headers["Location"] == "https://localhost/v1/events?limit=1"


def test_the_server_knows_that_its_client_speaks_tls(proxy, server):
    answer, _ = proxy.ask("GET", "/v1/events")
    assert answer.status == 200
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    with urllib.request.urlopen(server.url + "/v1/events") as direct:
        assert direct.headers["Strict-Transport-Security"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics?a=b",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/%6Detrics/",
        "/./metrics",
        "/v1/../metrics",
        "/v1/%2e%2e/metrics",
        "/metrics%2f",
        "/metrics%3fa",
        "/METRICS",
        "http://localhost/metrics",
    ],
)
def test_nobody_outside_reads_the_metrics(proxy, server, path):
    answer, body = proxy.ask("GET", path)
    assert answer.status in {404, 400}, body
    assert b"# HELP" not in body
    with urllib.request.urlopen(server.url + "/metrics") as direct:
        assert b"# HELP" in direct.read()


@pytest.mark.parametrize(
    ("method", "path", "size"),
    [
        # More than nginx lets through if nobody tells it.
        ("POST", "/v1/venues", 1 << 21),
        ("POST", "/v1/venues", CHART_BYTES_MAX),
        ("POST", "/v1/venues", CHART_BYTES_MAX + 1),
        ("POST", "/v1/events/evt_none/image", FORM_BYTES_MAX),
    ],
)
def test_what_the_server_judges_reaches_it(proxy, method, path, size):
    headers = {"Content-Type": "application/json"}
    answer, body = proxy.ask(method, path, b" " * size, headers)
    assert answer.headers["Content-Type"] == "application/problem+json", body
    assert answer.headers["X-Request-Id"]


def test_what_is_far_too_large_does_not_reach_it(proxy):
    size = setting("client_max_body_size") + 1
    # The head alone: it is refused before the body comes.
    headers = {"Content-Type": "application/json", "Content-Length": str(size)}
    answer, _ = proxy.ask("POST", "/v1/venues", None, headers)
    assert answer.status == 413
    assert "X-Request-Id" not in answer.headers


def test_sizes_and_times_are_those_of_the_server():
    size = setting("client_max_body_size")
    assert CHART_BYTES_MAX < size < CHART_BYTES_MAX + (2 << 20)
    assert size > FORM_BYTES_MAX
    assert setting("client_body_timeout") == BODY_TIMEOUT_S
    # A quiet socket has a ping in time, even where two are late.
    assert setting("proxy_read_timeout") > 3 * PING_S


def origin_of(proxy: Proxy) -> str:
    return f"https://{proxy.host}"


async def test_a_seat_is_sold_over_a_websocket(proxy, server):
    headers = {
        "Authorization": f"Bearer {server.admin_token}",
        "Content-Type": "application/json",
    }

    def post(path: str, body: object) -> dict[str, str]:
        data = json.dumps(body).encode()
        answer, content = proxy.ask("POST", path, data, headers)
        assert answer.status < 300, content
        made: dict[str, str] = json.loads(content)
        return made

    about = {"name": "An evening", "capacity": 2, "starts_at": "2099-01-01T20:00:00Z"}
    event = post("/v1/events", about)["id"]
    post(f"/v1/events/{event}/publish", {})
    token = post("/v1/auth/guest", {})["access_token"]
    async with aiohttp.ClientSession() as http_client:
        # As a browser that shows the server's own page.
        async with http_client.ws_connect(
            f"wss://{proxy.host}/v1/ws",
            ssl=proxy.tls,
            origin=origin_of(proxy),
            headers={"Authorization": f"Bearer {token}"},
        ) as socket:
            held = await ask(socket, op="hold", id=1, event=event, areas={"GA": 1})
            booked = await ask(
                socket, op="book", id=2, event=event, hold=held["hold"], key="1"
            )
        assert booked["areas"] == {"GA": 1}


async def ask(
    socket: "aiohttp.ClientWebSocketResponse", **frame: object
) -> dict[str, object]:
    await socket.send_json(frame)
    reply: dict[str, object] = await socket.receive_json(timeout=60)
    assert reply["op"] == "ok", reply
    return reply


async def test_a_page_of_another_origin_opens_no_websocket(proxy):
    async with aiohttp.ClientSession() as http_client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http_client.ws_connect(
                f"wss://{proxy.host}/v1/ws",
                ssl=proxy.tls,
                origin="https://evil.example",
            )
    assert refused.value.status == 403


class Echo(BaseHTTPRequestHandler):
    """Answers with the head that it was asked with."""

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def echo(nginx: str) -> Iterator[Proxy]:
    """The proxy before something that tells what it was sent."""
    with (
        scratch() as folder,
        ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with proxying(nginx, folder, url) as proxy:
            yield proxy
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "upgrade", "passed"),
    [
        ("/v1/ws", "websocket", "websocket"),
        ("/v1/ws?a=b", "WebSocket", "websocket"),
        ("/v1/ws", "h2c", None),
        ("/v1/events", "websocket", None),
        ("/v1/ws/more", "websocket", None),
    ],
)
def test_nothing_else_is_upgraded(echo, path, upgrade, passed):
    headers = {"Connection": "Upgrade", "Upgrade": upgrade}
    _, body = echo.ask("GET", path, None, headers)
    head = json.loads(body)
    assert head.get("Upgrade") == passed
    assert head.get("Connection") == ("upgrade" if passed else None)


def test_a_client_is_who_it_is_and_not_who_it_says(proxy):
    statuses = []
    for number in range(PUBLIC_LIMIT + 1):
        claim = f"203.0.113.{number}"
        lies = {"Forwarded": f"for={claim};proto=http", "X-Forwarded-For": claim}
        answer, _ = proxy.ask("GET", "/v1/venues", None, lies, client=STRANGER)
        statuses.append(answer.status)
        assert "Strict-Transport-Security" in answer.headers
    assert statuses.count(429) >= 1
    assert statuses[-1] == 429
    answer, _ = proxy.ask("GET", "/v1/venues", client=NEIGHBOUR)
    assert answer.status != 429
