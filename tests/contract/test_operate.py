"""What operators ask from the command line, and who else may not."""

import asyncio
import json
import os
import sys

from tests.contract.process import REPOSITORY, environment


async def onsale(*arguments: str, **extra: str) -> tuple[int, str, str]:
    """Run a command; return its status and what it printed."""
    # Wide enough that no table breaks a name in two.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", *arguments),
        cwd=REPOSITORY,
        env=environment(COLUMNS="250", **extra),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_cluster_is_shown_with_what_each_process_owns(api):
    event = await api.sale()
    shown = await api.event(event)
    status, out, err = await onsale("cluster", "--url", api.url, "--json")
    assert (status, err) == (0, "")
    processes = json.loads(out)["processes"]
    owners = [
        one["process"]
        for one in processes
        for owned in one["events"]
        if owned["event"] == event
    ]
    assert owners == [shown["owner"]["process"]]
    for one in processes:
        os.kill(one["pid"], 0)  # It lives.
    status, out, _ = await onsale("cluster", "--url", api.url)
    assert status == 0
    assert event in out
    assert owners[0] in out


async def test_a_move_to_the_owner_itself_is_none(api):
    event = await api.sale()
    before = (await api.event(event))["owner"]
    status, _, err = await onsale("move", event, before["process"], "--url", api.url)
    assert (status, err) == (0, "")
    assert (await api.event(event))["owner"] == before


async def test_what_cannot_be_moved_is_refused_with_a_sentence(api):
    event = await api.sale()
    owner = (await api.event(event))["owner"]["process"]
    status, _, err = await onsale("move", event, "nobody", "--url", api.url)
    assert status == 1
    assert "no such process" in err
    status, _, err = await onsale("move", "no-event", owner, "--url", api.url)
    assert status == 1
    assert "no such event" in err


async def test_only_administrators_see_and_move(api):
    guest = await api.guest()
    body = {"event": "evt", "process": "p"}
    for method, path, sent in (
        ("GET", "/v1/cluster", None),
        ("POST", "/v1/cluster/move", body),
    ):
        assert (await api.request(method, path, sent)).status == 401
        assert (await api.request(method, path, sent, who=guest)).status == 403


async def test_whoever_cannot_log_in_is_told_why(api):
    wrong = {"ONSALE_ADMIN_PASSWORD": "not this one"}
    status, out, err = await onsale("cluster", "--url", api.url, **wrong)
    assert (status, out) == (2, "")
    assert err.startswith("onsale: ")
    status, _, err = await onsale("cluster", "--url", "http://127.0.0.1:9")
    assert status == 2
    assert "http://127.0.0.1:9" in err
