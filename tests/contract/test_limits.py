"""Rates, on a server of its own that was not told to lift them."""

import asyncio
import itertools

from tests.contract.client import Api, Person, check_problem
from tests.contract.process import Server
from tests.contract.socket_client import Socket

# Every test comes from addresses of its own, so that none uses up another's rate.
ADDRESSES = (f"192.0.2.{number}" for number in itertools.count(1))


def api_from_new_address(server: Server) -> Api:
    return Api(server, {"X-Forwarded-For": next(ADDRESSES)})


async def pour(socket: Socket, text: str, count: int) -> None:
    """Send without waiting for answers until the server has had enough."""
    try:
        for number in range(count):
            if socket.seen("bye") or socket.closed.is_set():
                return
            await socket.send_text(text)
            if number % 10 == 0:
                await asyncio.sleep(0.001)
    except (ConnectionError, RuntimeError):
        return  # It closed, as it should; the test looks at the code.


async def test_a_flood_of_junk_closes_with_4029_and_harms_nobody(limited_server):
    async with api_from_new_address(limited_server) as api:
        flooder, other = await api.guests(2)
        async with await api.socket(other) as calm:
            socket = await api.socket(flooder)
            pouring = asyncio.create_task(pour(socket, "junk", 100_000))
            assert await socket.close_code_within(20) == 4029
            pouring.cancel()
            await asyncio.gather(pouring, return_exceptions=True)
            bye = socket.seen("bye")
            assert not bye or bye[-1]["code"] == 4029
            await socket.close()
            await calm.ok("ping")


async def test_guest_tokens_have_a_rate_and_the_answer_says_when_to_retry(
    limited_server,
):
    async with api_from_new_address(limited_server) as api:
        answer = await api.request("POST", "/v1/auth/guest")
        for _ in range(2_000):
            if answer.status != 201:
                break
            answer = await api.request("POST", "/v1/auth/guest")
        problem = check_problem(answer, 429)
        assert problem["transient"] is True
        assert int(answer.headers["retry-after"]) >= 0
        assert any(name.startswith("ratelimit") for name in answer.headers)
        assert (await api.get("/livez")).status == 200
    async with api_from_new_address(limited_server) as other:
        guest = await other.guest()
        assert isinstance(guest, Person)
