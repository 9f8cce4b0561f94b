"""Starting and stopping: operational pages, signals, restarts, wrong settings."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.client import Api, Person
from tests.contract.process import REPOSITORY, Server, environment, serve_command
from tests.contract.socket_client import Closed, Socket

FOREIGN = re.compile(
    r"""(?:src|href|action)\s*=\s*["']?\s*(?:https?:)?//"""
    r"""|@import\s+["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//""",
    re.IGNORECASE,
)


async def test_livez_and_readyz_say_ok(api):
    for path in ("/livez", "/readyz"):
        answer = await api.get(path)
        assert answer.status == 200
        assert answer.body["status"] == "ok"


async def test_health_names_version_durability_and_parts(api):
    body = await api.good("GET", "/health")
    assert body["status"] == "ok"
    assert isinstance(body["version"], str)
    assert isinstance(body["durability"], str)
    assert isinstance(body["parts"]["database"], dict)


async def test_health_shows_that_rate_limits_are_off(api):
    answer = await api.get("/health")
    assert b"rate" in answer.raw.lower()
    assert b"off" in answer.raw.lower() or b"false" in answer.raw.lower()


async def test_metrics_are_prometheus_text(api):
    answer = await api.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert list(text_string_to_metric_families(answer.raw.decode()))


async def test_openapi_is_valid_and_names_the_paths_of_the_contract(api):
    document = await api.good("GET", "/openapi.json")
    assert document["openapi"].startswith("3.1")
    validate(document)
    shapes = {re.sub(r"\{[^}]*\}", "{}", path) for path in document["paths"]}
    assert shapes >= {
        "/v1/auth/guest",
        "/v1/auth/login",
        "/v1/venues",
        "/v1/venues/{}",
        "/v1/events",
        "/v1/events/{}",
        "/v1/events/{}/publish",
        "/v1/events/{}/pause",
        "/v1/events/{}/resume",
        "/v1/events/{}/close",
        "/v1/events/{}/map",
        "/v1/events/{}/availability",
        "/v1/events/{}/journal",
        "/v1/events/{}/audit",
        "/v1/events/{}/commands",
        "/v1/bookings/{}",
        "/v1/bookings/reference/{}",
    }


async def test_asyncapi_is_version_3_and_names_every_op(api):
    answer = await api.get("/asyncapi.json")
    assert answer.status == 200
    assert answer.body["asyncapi"].startswith("3.")
    text = answer.raw.decode()
    ops = "hello watch unwatch hold hold_best extend release book cancel block unblock"
    for op in [*ops.split(), "holding", "ping", "snapshot", "delta", "beat", "bye"]:
        assert f'"{op}"' in text, op


async def test_docs_and_what_they_load_come_from_this_server_alone(api):
    answer = await api.get("/docs")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    page = answer.raw.decode()
    assert not FOREIGN.search(page)
    loaded = re.findall(r"<(?:script|link)[^>]+(?:src|href)=[\"']?([^\"'> ]+)", page)
    assert loaded or "<script" in page
    for path in loaded:
        if not path.startswith("data:"):
            part = await api.get(path if path.startswith("/") else f"/{path}")
            assert part.status == 200, path
            if part.headers["content-type"].startswith("text/css"):
                assert not FOREIGN.search(part.raw.decode()), path


def test_it_prints_one_line_with_its_address(server):
    lines = server.out_path.read_text().splitlines()
    assert len([line for line in lines if server.url in line]) == 1


async def test_a_port_that_is_taken_is_told(server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = await asyncio.to_thread(
            refused_start, "--port", port, "--data-dir", str(server.folder / "other")
        )
    assert port in done


def refused_start(*arguments: str, **settings: str) -> str:
    """Start a server that must refuse; give what it said."""
    done = subprocess.run(
        serve_command(*arguments),
        cwd=REPOSITORY,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=90,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode > 0, said
    assert said.strip()
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (["--port", "eighty"], {}, "port"),
        (["--port", "99999"], {}, "port"),
        (["--database-url", "nonsense"], {}, "database"),
        (["--workers", "-1"], {}, "workers"),
        (["--no-such-flag"], {}, "no-such-flag"),
        ([], {"ONSALE_PORT": "eighty"}, "onsale_port"),
    ],
    ids=["port-word", "port-range", "database", "workers", "flag", "environment"],
)
def test_a_wrong_setting_is_one_clear_sentence_and_an_exit_code(
    arguments: list[str], settings: dict[str, str], named: str, tmp_path: Path
):
    folder = str(tmp_path / "data")
    said = refused_start(*arguments, "--data-dir", folder, **settings)
    assert named in said.lower()


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("not a directory")
    assert "file" in refused_start("--port", "0", "--data-dir", str(file))
    assert file.read_text() == "not a directory"


async def settle_down(client: Socket, event: str) -> list[dict[str, Any]]:
    """Hold and release one seat over and over until the server goes away."""
    replies: list[dict[str, Any]] = []
    try:
        while True:
            held = await client.ask("hold", event=event, seats=["A-1"])
            replies.append(held)
            if held["op"] == "ok":
                fields = {"event": event, "hold": held["hold"]}
                replies.append(await client.ask("release", **fields))
    except (Closed, ConnectionError):
        return replies


async def test_sigterm_says_bye_closes_with_1012_and_ends_within_ten_seconds(
    own_server: Server,
):
    async with Api(own_server) as api:
        event = await api.sale("small")
        busy = await api.socket(await api.guest())
        idle = await api.socket(await api.guest())
        work = asyncio.create_task(settle_down(busy, event))
        # It is under way.
        await busy.find(lambda frame: frame["op"] == "ok" and "hold" in frame)
        began = time.monotonic()
        code = await asyncio.to_thread(own_server.stop)
        assert time.monotonic() - began < 10
        assert code in {0, -signal.SIGTERM, 128 + signal.SIGTERM}
        replies = await work
        for client in (busy, idle):
            assert await client.close_code_within() == 1012
            bye = client.seen("bye")[-1]
            assert bye["code"] == 1012
            assert isinstance(bye["reason"], str)
            assert bye["retry_after_ms"] >= 0
            await client.close()
        refusals = {reply["code"] for reply in replies if reply["op"] == "refused"}
        assert refusals <= {"unavailable"}
        assert any(reply["op"] == "ok" for reply in replies)


async def test_a_restart_keeps_tokens_bookings_holds_and_versions(own_server: Server):
    async with Api(own_server) as api:
        event = await api.sale("small", max_per_user=6)
        buyer = await api.guest()
        first = await api.ok(event, buyer, "hold", seats=["A-1"], areas={"GA1": 2})
        booked = await api.ok(event, buyer, "book", hold=first["hold"])
        held = await api.ok(event, buyer, "hold", seats=["B-4", "B-5"])
        before = await api.availability(event, held["version"])
        admin = api.admin
    await asyncio.to_thread(own_server.stop)
    await asyncio.to_thread(own_server.start)
    async with Api(own_server) as api:
        await check_what_was_kept(api, event, buyer, before, booked, held)
        assert (await api.good("GET", "/v1/events", who=admin))["items"]


def processes_below(folder: Path) -> list[str]:
    """Give the command lines of the processes that work in or with a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            place = os.readlink(process / "cwd")
        except OSError:
            continue  # It ended while we looked, or is nothing of ours.
        if str(folder) in line or place.startswith(str(folder)):
            found.append(line)
    return found


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
@pytest.mark.parametrize("hard", [False, True], ids=["sigterm", "kill-9"])
def test_no_database_outlives_the_server(own_server: Server, hard: bool):
    assert processes_below(own_server.folder)
    if hard:
        own_server.kill()
    else:
        own_server.stop()
    deadline = time.monotonic() + 60
    while processes_below(own_server.folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes_below(own_server.folder)


async def check_what_was_kept(
    api: Api,
    event: str,
    buyer: Person,
    before: dict[str, Any],
    booked: dict[str, Any],
    held: dict[str, Any],
) -> None:
    now = await api.availability(event)
    assert now["history_id"] == before["history_id"]
    assert now["version"] >= before["version"]
    assert now["seats"] == before["seats"]
    assert now["areas"] == before["areas"]
    path = f"/v1/bookings/{booked['booking']}"
    kept = await api.good("GET", path, who=buyer)
    assert kept["reference"] == booked["reference"]
    await api.ok(event, buyer, "extend", hold=held["hold"])
    await api.ok(event, buyer, "book", hold=held["hold"])
    receipt = await api.audit(event)
    assert receipt["ok"] is True
