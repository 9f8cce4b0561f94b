import pytest

from server.base.identity import Identity, Machine
from server.live.websocket.sender import Sender
from server.transport.ratelimit.request_limits import Allowances, RequestLimits
from tests.server.live.fanout.test_hub import EVENT, turns
from tests.server.live.websocket.test_session import connected

ANN = Identity("ann", "guest", 1 << 40)
ADDRESS = "203.0.113.7"


def limits_of(commands: int) -> RequestLimits:
    return RequestLimits(Allowances(commands=commands))


def test_commands_of_sockets_and_of_rest_have_one_budget():
    limits = limits_of(5)
    sender = Sender(limits, ADDRESS, "n1")
    for _ in range(3):
        assert limits.request(ADDRESS, ANN, 0.0, "commands").allowed
    assert [sender.spend(ANN) for _ in range(2)] == [None, None]
    refused = sender.spend(ANN)
    assert refused is not None
    assert (refused.code, refused.transient) == ("overloaded", True)
    assert isinstance(refused.retry_after_ms, int)
    assert 0 < refused.retry_after_ms <= 16 * 60_000
    assert not limits.request(ADDRESS, ANN, 0.0, "commands").allowed


async def test_a_session_refuses_what_is_beyond_the_budget_and_goes_on():
    async with connected(sender=Sender(limits_of(2), ADDRESS, "n1")) as guest:
        guest.say("hello", token="anna")
        for _ in range(2):
            assert guest.say("holding", event=EVENT) == []
        guest.say("holding", event=EVENT)
        await turns()
        (refused,) = guest.line.frames()
        assert (refused["op"], refused["code"]) == ("refused", "overloaded")
        assert refused["retry_after_ms"] > 0
        guest.say("ping")
        await turns()
        assert [frame["op"] for frame in guest.line.frames()] == ["ok"]
        assert len(guest.offered) == 2


@pytest.mark.parametrize(
    ("user", "origin"),
    [
        (ANN, "n1"),
        (Identity("boss", "admin", 1 << 40), None),
        (
            Machine("key", "key", 1 << 40, organisation="o", scopes=frozenset()),
            "nothing",
        ),
    ],
)
async def test_commands_carry_their_network_but_for_who_runs_the_event(user, origin):
    async with connected(sender=Sender(limits_of(9), ADDRESS, "n1")) as guest:
        guest.session._identify = lambda _: user
        guest.session.user = user
        guest.say("hold", event=EVENT, seats=["A-1"])
        assert [one.origin for one in guest.offered] == [origin][: origin != "nothing"]


async def test_without_limits_commands_come_from_nowhere():
    async with connected() as guest:
        guest.say("hello", token="anna")
        guest.say("hold", event=EVENT, seats=["A-1"])
        assert [one.origin for one in guest.offered] == [None]
