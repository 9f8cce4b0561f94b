"""Messages of hooks, to real receivers that verify, refuse, hang and lead elsewhere."""

import asyncio

import msgspec
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from server.people.hooks import sender as sending
from server.people.hooks.discord import disarmed, shaped
from server.people.hooks.sender import WAITS_S, outcome_of
from tests.server.identities import LENA
from tests.tls import Authority

pytestmark = pytest.mark.postgres


async def test_what_is_raised_arrives_signed_and_in_order(desk, receiver):
    made = await desk.make()
    await desk.raise_("a", "b", "c")
    await desk.sender.settle()
    told = receiver.verified(made.secret)
    assert [one["data"] for one in told] == [{"event": one} for one in "abc"]
    assert {one["type"] for one in told} == {"sale.opened"}
    assert {one.state for one in (await desk.told()).values()} == {"sent"}
    # Sent is sent: nothing of it comes again.
    await desk.sender.settle()
    assert len(receiver.got) == 3
    headers, _ = receiver.got[0]
    assert headers["content-type"] == "application/json"


async def test_while_a_secret_is_changed_both_sign(desk, receiver):
    made, leader = await desk.make(), await desk.people.member(LENA)
    new = await desk.service.rotate(leader, made.row.hook_id, 60, None)
    await desk.raise_("a")
    await desk.sender.settle()
    assert receiver.verified(made.secret) == receiver.verified(new.secret)
    newest = await desk.service.rotate(leader, made.row.hook_id, 0, None)
    receiver.got.clear()
    await desk.raise_("b")
    await desk.sender.settle()
    assert receiver.verified(newest.secret)
    with pytest.raises(Exception, match="No matching signature"):
        receiver.verified(new.secret)


async def test_one_that_fails_lets_the_others_pass_and_comes_again(desk, receiver):
    made = await desk.make()
    receiver.answers = [web.Response(status=500)]
    await desk.raise_("a", "b")
    await desk.sender.settle()
    told = await desk.told()
    assert [told[one].state for one in "ab"] == ["due", "sent"]
    assert (told["a"].status, told["a"].attempts) == (500, 1)
    wait_s = (told["a"].due_at - told["b"].ended_at).total_seconds()
    assert 8 < wait_s < 12
    await desk.now()
    await desk.sender.settle()
    first, second, third = receiver.ids()
    assert first == third != second
    assert receiver.got[0][1] == receiver.got[2][1]
    told = await desk.told()
    assert (told["a"].state, told["a"].attempts) == ("sent", 2)
    attempts = await desk.deliveries.attempts_of(told["a"].delivery_id)
    assert [one.status for one in attempts] == [500, 204]
    row = await desk.service.hooks.find("org", made.row.hook_id)
    assert (row.failures, row.error) == (0, None)


async def test_who_says_gone_is_told_nothing_more(desk, receiver):
    made = await desk.make()
    receiver.answers = [web.Response(status=410)]
    await desk.raise_("a", "b")
    await desk.sender.settle()
    await desk.raise_("c")
    await desk.now()
    await desk.sender.settle()
    assert len(receiver.got) == 1
    told = await desk.told()
    assert [told[one].state for one in "ab"] == ["dead", "due"]
    assert "c" not in told
    row = await desk.service.hooks.find("org", made.row.hook_id)
    assert row.off == "gone"
    # Whoever turns it on again gets what was waiting.
    await desk.edit(made.row.hook_id, active=True)
    await desk.sender.settle()
    assert len(receiver.got) == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_who_asks_for_time_has_it(desk, receiver, status):
    await desk.make()
    busy = web.Response(status=status, headers={"Retry-After": "600"})
    receiver.answers = [busy]
    await desk.raise_("a", "b")
    await desk.sender.settle()
    assert len(receiver.got) == 1
    (row,) = await desk.people.pool.fetch(
        "SELECT extract(epoch FROM rests_until - now())::float8 AS rest_s FROM hook"
    )
    assert 590 < row["rest_s"] <= 600
    (row,) = await desk.people.pool.fetch(
        "SELECT extract(epoch FROM due_at - now())::float8 AS wait_s"
        " FROM hook_delivery WHERE subject = 'a'"
    )
    assert row["wait_s"] > 590


async def test_a_redirect_leads_nowhere(desk, receiver):
    await desk.make()
    there = {"Location": f"{receiver.url}/elsewhere"}
    receiver.answers = [web.Response(status=307, headers=there)]
    await desk.raise_("a")
    await desk.sender.settle()
    assert receiver.paths == ["/a"]
    assert (await desk.told())["a"].status == 307


async def test_who_hangs_costs_a_moment_and_nobody_else_anything(desk, receiver):
    """Another hook is told meanwhile; a third failure in a row brings a rest."""
    await desk.make()
    await desk.make("sale.closed", url=f"{receiver.url}/b")
    sender = desk.new_sender(send_s=0.2)
    receiver.hangs = True
    await desk.raise_("a", "b", "c", "d")
    await sender.settle()
    assert receiver.paths == ["/a"] * 3
    told = await desk.told()
    assert told["a"].error == "no answer within 0.2 s"
    assert [told[one].attempts for one in "abcd"] == [1, 1, 1, 0]
    receiver.hangs = False
    await desk.raise_("z", type_="sale.closed")
    await sender.settle()
    assert receiver.paths == ["/a", "/a", "/a", "/b"]
    await sender.close()


async def test_an_answer_without_end_is_not_read_to_it(desk, receiver):
    await desk.make()
    receiver.answers = [web.Response(body=b"x" * (1 << 20))]
    await desk.raise_("a")
    await desk.sender.settle()
    assert (await desk.told())["a"].state == "sent"


async def test_who_is_not_there_is_tried_for_days_and_then_dead(desk, receiver):
    """Eleven times in all, then only a replay sends it."""
    made = await desk.make()
    receiver.answers = [web.Response(status=502) for _ in range(11)]
    await desk.raise_("a")
    for _ in range(12):
        await desk.now()
        await desk.sender.settle()
    assert len(receiver.got) == 11
    told = (await desk.told())["a"]
    assert (told.state, told.error) == ("dead", "it answered 502")
    leader = await desk.people.member(LENA)
    await desk.service.replay(leader, told.delivery_id, None)
    await desk.now()
    await desk.sender.settle()
    told = (await desk.told())["a"]
    assert (told.state, told.attempts) == ("sent", 1)
    assert len(set(receiver.ids())) == 1
    assert len(receiver.verified(made.secret)) == 12


async def test_a_process_that_dies_leaves_its_messages_to_others(desk, receiver):
    """Whoever is at it when a process ends: it comes again, with the same id."""
    await desk.make()
    await desk.raise_("a")
    receiver.hangs = True
    await desk.sender.begin()
    for _ in range(500):
        if receiver.got:
            break
        await asyncio.sleep(0.01)
    await desk.sender.close()
    receiver.hangs = False
    other = desk.new_sender()
    assert await other.begin() == 0
    await desk.now()
    await other.settle()
    await other.close()
    first, second = receiver.ids()
    assert first == second
    assert (await desk.told())["a"].state == "sent"


async def test_two_processes_send_a_message_once(desk, receiver):
    await desk.make()
    await desk.raise_(*(f"e{number}" for number in range(30)))
    others = [desk.new_sender() for _ in range(3)]
    await asyncio.gather(*(one.settle() for one in others))
    for one in others:
        await one.close()
    assert len(receiver.ids()) == len(set(receiver.ids())) == 30
    told = [msgspec.json.decode(body)["data"]["event"] for _, body in receiver.got]
    assert told == [f"e{number}" for number in range(30)]


async def test_who_stood_still_takes_a_hook_from_nobody(desk, receiver):
    await desk.make()
    await desk.raise_("a")
    (slow,) = await desk.deliveries.take()
    await desk.now()
    (other,) = await desk.deliveries.take()
    await desk.deliveries.give_back(slow)
    assert await desk.deliveries.take() == []
    await desk.deliveries.give_back(other)
    assert len(await desk.deliveries.take()) == 1


async def test_what_is_too_old_is_dead_and_long_over_forgotten(desk):
    await desk.make()
    await desk.raise_("old", "new", "sent")
    await desk.people.pool.fetch(
        "UPDATE hook_delivery SET dies_at = now() WHERE subject = 'old'"
    )
    await desk.people.pool.fetch(
        "UPDATE hook_delivery SET state = 'sent', ended_at = now() - interval '31 days'"
        " WHERE subject = 'sent'"
    )
    await desk.deliveries.forget()
    told = await desk.told()
    assert {name: one.state for name, one in told.items()} == {
        "old": "dead",
        "new": "due",
    }


class Book(AbstractResolver):
    """Says of every name what it is told to say, as whoever owns a name may."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host, port=0, family=0):
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": 2,
                "proto": 0,
                "flags": 0,
            }
            for address in self.addresses
        ]

    async def close(self) -> None: ...


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"]])
async def test_a_name_of_a_private_machine_is_not_connected_to(
    desk, receiver, addresses
):
    """Also where it was another one when the hook was made, or is both."""
    port = receiver.url.rpartition(":")[2]
    await desk.make(url=f"http://hooks.example.org:{port}/a")
    sender = desk.new_sender(private=False, resolver=Book(*addresses))
    await desk.raise_("a")
    await sender.settle()
    await sender.close()
    assert receiver.got == []
    error = (await desk.told())["a"].error
    assert error == "Forbidden: it leads to a private address"


async def test_who_cannot_prove_its_name_is_told_nothing(desk, receiver, tmp_path):
    """With a certificate of an authority that nobody trusts."""
    app = web.Application()
    app.router.add_post("/{path}", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    context = Authority(tmp_path / "tls").context()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    await desk.make(url=f"https://127.0.0.1:{runner.addresses[0][1]}/a")
    await desk.raise_("a")
    await desk.sender.settle()
    await runner.cleanup()
    assert receiver.got == []
    told = (await desk.told())["a"]
    assert told.state == "due"
    assert "certificate" in told.error.lower()


async def test_an_address_is_looked_at_too(desk, receiver):
    """No name is resolved then, so nothing else would look."""
    await desk.make()
    sender = desk.new_sender(private=False)
    await desk.raise_("a")
    await sender.settle()
    await sender.close()
    assert receiver.got == []
    assert "private" in (await desk.told())["a"].error


async def test_discord_gets_words_and_calls_nobody(desk, receiver):
    await desk.make(form="discord")
    await desk.raise_("@everyone")
    await desk.sender.settle()
    ((_, body),) = receiver.got
    shown = msgspec.json.decode(body)
    assert shown["allowed_mentions"] == {"parse": []}
    assert shown["content"] == "sale.opened"
    assert "@everyone" not in body
    (embed,) = shown["embeds"]
    assert embed["fields"][0]["name"] == "event"


def test_what_people_wrote_is_no_format():
    assert disarmed("<@1> `x` **b** [a](b)") == r"\<@​1\> \`x\` \*\*b\*\* \[a\]\(b\)"
    text = {"subject": "s" * 5_000, "text": "t" * 9_000, "none": None}
    body = {"type": "support.raised", "timestamp": "2026-11-21T10:00:00Z", "data": text}
    shown = msgspec.json.decode(shaped(msgspec.json.encode(body).decode()))
    assert len(shown["content"]) <= 2_000
    (embed,) = shown["embeds"]
    assert (len(embed["title"]), len(embed["description"])) == (256, 4_000)


def test_waits_grow_as_documented():
    waits = [outcome_of(before, 0, None, "away", 1) for before in range(11)]
    assert [one.state for one in waits] == ["due"] * 10 + ["dead"]
    for outcome, wait_s in zip(waits, WAITS_S, strict=False):
        assert 0.9 * wait_s <= outcome.wait_s <= 1.1 * wait_s
    rests = [outcome_of(0, before, 500, None, 1).rest_s for before in range(12)]
    assert rests[:4] == [0, 0, 5, 10]
    assert max(rests) == sending.REST_S_MAX


async def test_a_secret_that_nobody_can_open_signs_nothing(desk, receiver):
    await desk.make()
    await desk.people.pool.fetch(
        "UPDATE hook SET secret = set_byte(secret, 20, 255 - get_byte(secret, 20))"
    )
    await desk.raise_("a")
    await desk.sender.settle()
    assert receiver.got == []
    told = (await desk.told())["a"]
    assert (told.state, told.error) == (
        "dead",
        "its secret cannot be opened: rotate it",
    )
