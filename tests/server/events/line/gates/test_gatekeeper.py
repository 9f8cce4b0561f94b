"""The gates of lines on real tables: what is asked, what counts, and only once."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from inventory.line.wishes import Wish
from inventory.settings import LineGate, LineSettings
from server.base.refusals.refusals import Denied, Refusal
from server.events.line.gates.captcha import Captcha
from server.events.line.gates.work import solve
from server.events.line.service import Asked
from tests.server.events.line.gates.verifying import open_verifier
from tests.server.events.line.room import FIFO, settings, who
from tests.server.identities import GUEST, OLGA

pytestmark = pytest.mark.postgres


async def put(room, **gate: Any) -> None:
    line = replace(FIFO, gate=LineGate(**gate))
    await room.house.put("evt", settings(line=line), capacity=5)
    await room.control.open(OLGA, "evt")


async def solved(room, name: str, net: str | None = None, event: str = "evt") -> str:
    challenge, needs = await room.desk.challenge(who(name), event, net)
    assert needs.bits
    return solve(challenge)


async def join(room, name: str, event: str = "evt", **given: Any):
    return await room.desk.join(who(name), event, Asked(Wish(1), **given))


async def refused(room, name: str, **given: Any) -> str:
    with pytest.raises(Refusal, match="proof_needed") as error:
        await join(room, name, **given)
    return error.value.detail


async def gates_of(room) -> list[str | None]:
    rows = await room.house.pool.fetch(
        "SELECT gates FROM line_entry ORDER BY joined_at"
    )
    return [row["gates"] for row in rows]


async def test_without_gates_nothing_is_asked(room):
    await put(room)
    _, needs = await room.desk.challenge(who("ann"), "evt", "net")
    assert not needs.anything
    assert (await join(room, "ann")).new
    assert await gates_of(room) == [None]


async def test_work_is_asked_once_for_each_place(room):
    await put(room, bits=4)
    assert "challenge" in await refused(room, "ann")
    proof = await solved(room, "ann")
    assert (await join(room, "ann", proof=proof)).new
    assert await gates_of(room) == ["pow"]
    # Whoever has a place is told it without another one.
    assert not (await join(room, "ann")).new
    # Another does not come in with it, nor does she again, once she left.
    assert "another" in await refused(room, "bert", proof=proof)
    await room.desk.leave(who("ann"), "evt")
    assert "used before" in await refused(room, "ann", proof=proof)
    assert (await join(room, "ann", proof=await solved(room, "ann"))).new
    counted = room.gates.passes
    assert counted["work", "missing"] == 1
    assert counted["work", "refused"] == 1
    assert counted["work", "used"] == 1


async def test_one_proof_makes_one_place_however_many_ask_at_once(room):
    """Two at once, by two names of one person: the row says who was first."""
    await put(room, bits=2)
    proof = await solved(room, "ann")
    both = await asyncio.gather(*[join(room, "ann", proof=proof) for _ in range(8)])
    assert len({one.entry for one in both}) == 1
    assert sum(one.new for one in both) == 1


async def test_a_crowd_of_one_network_has_to_work(room):
    await put(room, per_address=2)
    for name in ("ann", "bert"):
        assert (await join(room, name, net="school")).new
    assert "challenge" in await refused(room, "carl", net="school")
    # From elsewhere nothing is asked.
    assert (await join(room, "carl", net="home")).new
    _, needs = await room.desk.challenge(who("dora"), "evt", "school")
    assert needs.bits == 16
    # Another process counts what is in the tables.
    room.gates._came.clear()
    assert (await room.gates.needs(await found(room), "school")).bits == 16


async def test_those_of_many_networks_are_counted_in_one_statement(room):
    await put(room, per_address=2)
    for name in ("ann", "bert"):
        await join(room, name, net="school")
    room.gates._came.clear()
    event, looks = await found(room), room.gates._from
    before = looks.reads
    nets = ["school", *(f"home {n}" for n in range(20))]
    needs = await asyncio.gather(*[room.gates.needs(event, net) for net in nets])
    assert [one.bits for one in needs] == [16, *[0] * 20]
    assert looks.reads == before + 1
    # Crowds are of one event.
    line = replace(FIFO, gate=LineGate(per_address=2))
    await room.house.put("other", settings(line=line), capacity=5)
    other = await room.house.events.load("other")
    assert not (await room.gates.needs(other, "school")).anything


async def found(room):
    event, _ = await room.desk.mine(who("ann"), "evt")
    return event


async def test_a_waitlist_has_no_gates(room):
    line = LineSettings(mode="list", gate=LineGate(bits=20))
    await room.house.put("evt", settings(line=line), capacity=5)
    assert (await join(room, "ann", net="net")).new


async def test_one_device_and_one_user_have_one_place_behind_the_gates(room):
    await put(room, bits=2)
    await join(room, "ann", proof=await solved(room, "ann"), device="phone-1")
    with pytest.raises(Refusal, match="already_waiting"):
        await join(room, "bert", proof=await solved(room, "bert"), device="phone-1")


async def test_an_account_has_to_be_as_old_as_is_asked(room):
    await put(room, account_days=7)
    await account(room, "ann", days=6.9)
    await account(room, "bert", days=7.1)
    assert "yours is newer" in await forbidden(room, who("ann"))
    assert "a guest has none" in await forbidden(room, GUEST)
    assert (await join(room, "bert")).new
    assert await gates_of(room) == ["account"]
    # Whoever has a place is told it, and asked for nothing.
    assert not (await join(room, "bert")).new
    counted = room.gates.passes
    outcomes = [counted["account", one] for one in ("passed", "refused", "missing")]
    assert outcomes == [1, 1, 1]


async def test_an_old_account_has_to_work_as_well_where_that_is_asked(room):
    await put(room, account_days=7, bits=2)
    await account(room, "bert", days=8)
    assert "challenge" in await refused(room, "bert")
    assert (await join(room, "bert", proof=await solved(room, "bert"))).new
    assert await gates_of(room) == ["account pow"]


async def test_who_deleted_their_account_has_none(room):
    await put(room, account_days=1)
    await account(room, "bert", days=9)
    await room.house.pool.fetch(
        "UPDATE account SET deleted_at = now(), email = NULL, password_hash = NULL,"
        " verified_at = NULL, name = '' WHERE user_id = $1",
        who("bert").user,
    )
    assert "a guest has none" in await forbidden(room, who("bert"))


async def test_a_waitlist_asks_for_no_account(room):
    line = LineSettings(mode="list", gate=LineGate(account_days=9))
    await room.house.put("evt", settings(line=line), capacity=5)
    assert (await room.desk.join(GUEST, "evt", Asked(Wish(1)))).new


async def account(room, name: str, days: float) -> None:
    """Let somebody have had an account for so many days, by the clock of the house."""
    made_s = room.house.clock.now_ms() / 1_000 - days * 86_400
    await room.house.pool.fetch(
        "INSERT INTO account (user_id, email, password_hash, role, name, created_at)"
        " VALUES ($1, $1 || '@example.org', 'x', 'customer', 'x', to_timestamp($2))"
        " ON CONFLICT (user_id) DO UPDATE SET created_at = excluded.created_at",
        who(name).user,
        made_s,
    )


async def forbidden(room, identity) -> str:
    with pytest.raises(Denied) as error:
        await room.desk.join(identity, "evt", Asked(Wish(1)))
    assert error.value.code == "forbidden"
    return error.value.detail or ""


async def test_a_captcha_is_asked_and_counts_once(room):
    async with open_verifier() as verifier:
        clock = room.house.clock
        captcha = Captcha(verifier.url, "the secret", "site", clock.monotonic)
        room.gates.captcha = captcha
        await put(room, captcha=True)
        _, needs = await room.desk.challenge(who("ann"), "evt", None)
        assert (needs.captcha, needs.bits) == (True, 0)
        assert "captcha" in await refused(room, "ann")
        assert "not solved" in await refused(room, "ann", captcha="bad")
        assert (await join(room, "ann", captcha="good 1")).new
        # Even if whoever verifies says yes to it again.
        verifier.used.clear()
        assert "used before" in await refused(room, "bert", captcha="good 1")
        # When nobody is there to verify, work is asked instead.
        verifier.mood = "broken"
        assert "challenge" in await refused(room, "bert", captcha="good 2")
        challenge, needs = await room.desk.challenge(who("bert"), "evt", None)
        assert (needs.captcha, needs.bits) == (False, 18)
        assert (await join(room, "bert", proof=solve(challenge))).new
        assert await gates_of(room) == ["captcha", "pow"]
        assert room.gates.passes["captcha", "gone"] == 1
        await captcha.close()
