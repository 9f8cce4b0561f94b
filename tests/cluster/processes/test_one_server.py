"""Limits, health and metrics are the server's: each worker says the same of them."""

import asyncio
import re
from collections.abc import Iterator

import pytest

from tests.cluster.ports import free_ports
from tests.contract.client import Api, Json
from tests.contract.process import Server

pytestmark = [pytest.mark.redis, pytest.mark.slow]

LIMIT = 100
PASSWORD = "correct horse battery"
TRIES = 200
UNDER_WAY = LIMIT // 4
"""So many requests pass at most before the other worker hears of one, on a machine that
does much else. Workers that told each other nothing would let `LIMIT` more through."""


@pytest.fixture(scope="module")
def limited() -> Iterator[tuple[Server, list[str]]]:
    """Run two workers with a limit, each with a port of its own beside the common."""
    first = free_ports(2)
    server = Server(
        rate_limits=True,
        ONSALE_WORKERS="2",
        ONSALE_WORKER_PORT=str(first),
        ONSALE_RATE_LIMIT_PUBLIC=str(LIMIT),
        # Each test comes from an address of its own.
        ONSALE_TRUSTED_PROXIES="127.0.0.1",
        # Nobody takes mails there.
        ONSALE_SMTP_URL="smtp://127.0.0.1:1",
        ONSALE_MAIL_FROM="tickets@example.org",
    )
    try:
        server.start()
        yield server, [f"http://127.0.0.1:{first + n}" for n in range(2)]
    finally:
        server.remove()


async def test_two_workers_let_one_budget_through(limited):
    server, urls = limited
    told = []
    headers = {"X-Forwarded-For": "198.51.100.1"}
    async with Api(server, headers) as one, Api(server, headers) as other:
        one.url, other.url = urls
        for number in range(2 * LIMIT):
            api = (one, other)[number % 2]
            answer = await api.request("GET", "/v1/events")
            remaining = int(answer.headers["ratelimit-remaining"])
            told.append((answer.status, remaining, "retry-after" in answer.headers))
    allowed = [number for number, one in enumerate(told) if one[0] == 200]
    # What is on its way from one to the other is let through, and no burst beyond it.
    assert LIMIT <= len(allowed) <= LIMIT + UNDER_WAY
    refused = told[allowed[-1] + 1 :]
    # Nobody who was refused is let through a moment later.
    assert len(refused) + len(allowed) == 2 * LIMIT
    assert set(refused) == {(429, 0, True)}
    # Nobody is told of more than there is, but for what is on its way as well.
    over = [left - max(0, LIMIT - 1 - n) for n, (_, left, _) in enumerate(told)]
    assert 0 <= min(over) <= max(over) <= UNDER_WAY, over


async def test_two_workers_say_the_same_of_their_health(limited):
    server, urls = limited
    headers = {"X-Forwarded-For": "198.51.100.2"}
    async with Api(server, headers) as one, Api(server, headers) as other:
        one.url, other.url = urls
        while (await both_say(one, other))["status"] != "ok":
            pass
        account = {"email": "olga@example.org", "password": PASSWORD, "name": "Olga"}
        await one.good("POST", "/v1/auth/register", account)
        # One of the two tries to send the mail.
        while (await both_say(one, other))["status"] == "ok":
            pass
        told = await both_say(one, other)
        assert told["parts"]["mail"]["status"] == "degraded"
        (problem,) = told["problems"]
        assert problem.startswith("The last mail could not be sent: ")
        assert len(told["processes"]) == 2


async def both_say(one: Api, other: Api) -> Json:
    """Ask both until they say the same, and return it; each may keep what it said."""
    apart: list[tuple[list[str], list[str]]] = []
    while len(apart) < TRIES:
        said, told = [await health(api) for api in (one, other)]
        assert told["problems"] or told["status"] == "ok"
        if said["status"] == told["status"] and said["problems"] == told["problems"]:
            return told
        apart.append((said["problems"], told["problems"]))
    raise AssertionError(apart)


async def health(api: Api) -> Json:
    """Ask how it is, as often as anybody may."""
    answer = await api.request("GET", "/health")
    if answer.status == 429:
        await asyncio.sleep(int(answer.headers["retry-after"]))
        return await health(api)
    assert isinstance(answer.body, dict)
    return answer.body


async def test_each_worker_shows_the_metrics_of_both(limited):
    server, urls = limited
    headers = {"X-Forwarded-For": "198.51.100.3"}
    async with Api(server, headers) as one, Api(server, headers) as other:
        one.url, other.url = urls
        while len((await health(one))["processes"]) < 2:
            pass
        for api in (one, other):
            shown = (await api.get("/metrics")).raw.decode()
            names = re.findall(r'^onsale_events\{process="(.+)"\} ', shown, re.M)
            assert len(set(names)) == len(names) == 2
            assert shown.count("# TYPE onsale_events gauge") == 1
