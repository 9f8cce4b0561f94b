"""Holding what one does not buy: many guests, few addresses."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

import aiohttp
import pytest

from tests.contract.client import Api, Person, check_problem
from tests.contract.process import Server
from tests.security.conftest import SECRET
from tests.security.test_tokens import sign

HALL = 200
SHARE = 50
COMMANDS = 40


@pytest.fixture(scope="module")
def hoarded_server() -> Iterator[Server]:
    """Run one with its limits on, that believes the addresses which we make up."""
    server = Server(
        rate_limits=True,
        ONSALE_TRUSTED_PROXIES="127.0.0.1",
        ONSALE_SECRET_KEY=SECRET,
        ONSALE_RATE_LIMIT_COMMANDS=str(COMMANDS),
    )
    try:
        yield server.start()
    finally:
        server.remove()


def at(server: Server, address: str) -> Api:
    return Api(server, {"X-Forwarded-For": address})


async def hoard(api: Api, event: str, guests: list[Person]) -> Counter[str]:
    """Hold ten places for each guest: half over REST, half over sockets."""
    said: Counter[str] = Counter()
    wanted = {"GA": 10}
    for guest in guests[::2]:
        answer = await api.command(event, guest, "hold", areas=wanted)
        said[answer.body.get("code", "ok")] += 1
    for guest in guests[1::2]:
        async with await api.socket(guest) as socket:
            reply = await socket.ask("hold", event=event, areas=wanted)
            said[reply.get("code", "ok")] += 1
    return said


@pytest.mark.attack
async def test_one_network_holds_its_share(hoarded_server):
    """Thirty-one guests of one network hold fifty of two hundred places, not more."""
    async with at(hoarded_server, "198.51.100.7") as api:
        event = await api.sale(None, capacity=HALL)
        guests = await api.guests(20)
        said = await hoard(api, event, guests)
        assert said == {"ok": SHARE // 10, "held_too_often": 20 - SHARE // 10}
        assert (await api.event(event))["counts"]["held"] == SHARE
    async with at(hoarded_server, "198.51.100.200") as api:
        assert set(await hoard(api, event, await api.guests(10))) == {"held_too_often"}
        refused = await api.command(event, await api.guest(), "hold", areas={"GA": 1})
        body = check_problem(refused, 409)
        assert (body["code"], body["transient"]) == ("held_too_often", True)
        assert body["retry_after_ms"] > 0
        assert int(refused.headers["retry-after"]) >= 1
        assert (body["limit"], body["has"]) == (SHARE, SHARE)
        # Whoever runs the event takes what it needs.
        await api.ok(event, api.admin, "hold", areas={"GA": 10})
    async with at(hoarded_server, "198.51.101.7") as api:
        await api.ok(event, await api.guest(), "hold", areas={"GA": 10})


@pytest.mark.attack
async def test_giving_back_and_taking_again_keeps_nothing(hoarded_server):
    """Seats given back and held again in one breath are for others in between."""
    async with at(hoarded_server, "203.0.113.7") as api:
        event = await api.sale(None, capacity=SHARE)
        guests = await api.guests(6)
        holds = [
            (await api.ok(event, guest, "hold", areas={"GA": 10}))["hold"]
            for guest in guests[:5]
        ]
        async with (
            await api.socket(guests[0]) as one,
            await api.socket(guests[5]) as two,
        ):
            freed, taken = await asyncio.gather(
                one.ask("release", event=event, hold=holds[0]),
                two.ask("hold", event=event, areas={"GA": 10}),
            )
        assert freed["op"] == "ok"
        assert taken["op"] == "refused"
    async with at(hoarded_server, "203.0.114.7") as api:
        await api.ok(event, await api.guest(), "hold", areas={"GA": 10})


@pytest.mark.attack
async def test_a_seat_let_go_three_times_is_for_others(hoarded_server):
    """A seat that one guest lets go three times is closed to it, and to nobody else."""
    async with at(hoarded_server, "192.0.2.7") as api:
        event = await api.sale("small")
        guest, neighbour = await api.guests(2)
        for _ in range(3):
            held = await api.ok(event, guest, "hold", seats=["A-1"])
            await api.ok(event, guest, "release", hold=held["hold"])
        answer = await api.command(event, guest, "hold", seats=["A-1"])
        body = check_problem(answer, 409)
        assert (body["code"], body["seats"]) == ("held_too_often", ["A-1"])
        assert 0 < body["retry_after_ms"] <= 30_000
        assert "origin" not in str(await journal(api, event))
        await api.ok(event, neighbour, "hold", seats=["A-1"])


async def journal(api: Api, event: str) -> object:
    path = f"/v1/events/{event}/journal"
    return (await api.get(path, who=api.admin)).body


@pytest.mark.attack
async def test_sockets_and_rest_share_a_budget(hoarded_server):
    """Commands over a socket and over REST come out of one budget."""
    async with at(hoarded_server, "192.0.3.7") as api:
        event = await api.sale("small")
        guest = await api.guest()
        for _ in range(COMMANDS // 2):
            await api.ok(event, guest, "holding")
        async with await api.socket(guest) as socket:
            told = [await socket.ask("holding", event=event) for _ in range(COMMANDS)]
            assert (await socket.ask("ping"))["op"] == "ok"
        said = Counter(reply.get("code", "ok") for reply in told)
        assert said == {"ok": COMMANDS // 2, "overloaded": COMMANDS // 2}
        assert told[-1]["retry_after_ms"] >= 1_000
        answer = await api.command(event, guest, "holding")
        assert check_problem(answer, 429)["code"] == "rate_limited"


def old_guest(name: str, hours: float) -> Person:
    """Somebody who became a guest so many hours ago, and did nothing since."""
    made = int(time.time() - 3_600 * hours)
    token = sign(sub=name, role="guest", iat=made, exp=made + 7 * 86_400)
    return Person(name, "guest", token)


@pytest.mark.attack
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
async def test_tokens_laid_in_before_the_sale_are_good_for_nothing(hoarded_server):
    """Guests that held nothing within an hour are none, over REST and over sockets."""
    async with at(hoarded_server, "192.0.4.7") as api:
        event = await api.sale("small")
        fresh, stale = old_guest("usr_fresh", 0.9), old_guest("usr_stale", 1.1)
        answer = await api.command(event, stale, "hold", seats=["A-1"])
        assert check_problem(answer, 401)["code"] == "unauthenticated"
        async with await api.socket() as socket:
            told = await socket.ask("hello", token=stale.token)
            assert (told["op"], told["code"]) == ("refused", "unauthenticated")
            told = await socket.ask("hold", event=event, seats=["A-1"])
            assert told["code"] == "unauthenticated"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await api.socket(stale)
        assert refused.value.status == 401
        await api.ok(event, fresh, "hold", seats=["A-1"])


@pytest.mark.attack
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
@pytest.mark.parametrize("by", ["REST", "a socket"])
async def test_a_guest_that_held_in_time_keeps_what_it_has(hoarded_server, by):
    """A guest that held a seat within its first hour lasts for as long as its token."""
    async with at(hoarded_server, "192.0.5.7") as api:
        event = await api.sale("small")
        name = f"usr_of_{by[-4:]}"
        early, late = old_guest(name, 0.9), old_guest(name, 100)
        if by == "REST":
            await api.ok(event, early, "hold", seats=["A-1"])
        else:
            async with await api.socket(early) as socket:
                await socket.ok("hold", event=event, seats=["A-1"])
        assert len((await api.ok(event, late, "holding"))["holds"]) == 1
        async with await api.socket(late, hello=True) as socket:
            assert len((await socket.ok("holding", event=event))["holds"]) == 1
        async with await api.socket(late) as socket:
            assert len((await socket.ok("holding", event=event))["holds"]) == 1
