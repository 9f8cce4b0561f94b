import asyncio
from typing import Any, get_args

import msgspec
import pytest

from persistence.errors import Unavailable
from persistence.people.api_keys import Scope
from server.base.identity import Machine
from server.live.fanout.frames import COMMANDS
from server.live.websocket.machines import Keys, TooManyKeys, refusal_of
from server.people.api_keys.api_keys import Machines
from tests.cluster.ears import until
from tests.server.live.websocket.test_session import connected
from tests.server.people.api_keys.test_api_keys import FRESH, STORED, Store

PATIENCE_S = 60.0
KEY = FRESH.text


class Desk(Store):
    """A store with one key, that may be out of reach."""

    def __init__(self) -> None:
        super().__init__()
        self.keys[FRESH.prefix] = STORED
        self.away = False

    async def find_by_prefix(self, prefix):
        found = await super().find_by_prefix(prefix)
        if self.away:
            raise Unavailable("away")
        return found


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def machines(desk):
    return Machines(desk)


async def test_a_key_that_nobody_may_look_up_is_found_where_it_is_known(machines):
    closed, open_ = Keys(machines, lambda: False), Keys(machines, lambda: True)
    with pytest.raises(TooManyKeys):
        await closed.find(KEY)
    assert await open_.find(KEY) is not None
    assert await closed.find(KEY) is not None
    assert await open_.find(KEY[:-1] + "x") is None


async def test_a_key_is_found_again_when_keys_are_forgotten_or_time_is_over(
    machines, desk
):
    keys = Keys(machines, lambda: False)
    await machines.identify(KEY)
    assert await keys.find_again(KEY, 0.0) is not None
    assert desk.asked == 1
    waits = asyncio.create_task(keys.find_again(KEY, PATIENCE_S * 10))
    await asyncio.sleep(0)
    del desk.keys[FRESH.prefix]
    machines.forget("org")
    async with asyncio.timeout(PATIENCE_S):
        assert await waits is None


EVERY: dict[str, Any] = {kind.__struct_config__.tag: kind for kind in COMMANDS}


@pytest.mark.parametrize("op", sorted(EVERY))
def test_no_command_is_for_machines_but_two(op):
    # What it asks for makes no difference.
    fields = msgspec.structs.fields(EVERY[op])
    command = EVERY[op](**{one.name: "x" for one in fields if one.required})
    every = Machine(
        "key", "key", 1 << 33, organisation="org", scopes=frozenset(get_args(Scope))
    )
    writer = msgspec.structs.replace(every, scopes=frozenset({"events:write"}))
    for machine in (every, writer):
        assert (refusal_of(machine, command) is None) == (op in ("block", "unblock"))


async def test_a_hello_that_cannot_be_looked_up_may_be_said_again(machines, desk):
    may_ask = [False]
    async with connected(keys=Keys(machines, lambda: may_ask[0])) as guest:

        async def hello():
            heard = guest.say("hello", token=KEY)
            while not heard:
                await asyncio.sleep(0)
                heard = guest.line.frames()
            (frame,) = heard
            return frame.get("code", "ok")

        assert await hello() == "overloaded"
        may_ask[0], desk.away = True, True
        assert await hello() == "unavailable"
        desk.away = False
        assert await hello() == "ok"


async def test_a_key_is_believed_while_the_database_is_away(machines, desk):
    async with connected(keys=Keys(machines, lambda: True)) as guest:
        guest.say("hello", token=KEY)
        await until(lambda: guest.session.user is not None)
        desk.away = True
        asked = desk.asked

        def is_asked():
            # Again, in case that nobody listened yet.
            machines.forget()
            return desk.asked > asked

        await until(is_asked)
        assert [one["op"] for one in guest.say("ping")] == ["ok", "ok"]
        desk.away = False
        del desk.keys[FRESH.prefix]

        def is_closed():
            machines.forget("org")
            return guest.line.code == 4001

        await until(is_closed)
