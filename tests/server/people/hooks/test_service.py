"""Hooks made, changed, tried and sent again without a request."""

from datetime import UTC, datetime, timedelta

import pytest

from persistence.errors import Stale
from persistence.people.hooks.deliveries import Deliveries
from persistence.people.hooks.hooks import HookEdit, Hooks
from server.base.refusals.refusals import Denied, Refusal
from server.people.hooks.secret_box import SecretBox, new_secret
from server.people.hooks.service import HookService, HookWish
from tests.server.identities import LENA, MIA, STAN, machine

pytestmark = pytest.mark.postgres


async def test_a_secret_is_shown_once_and_stored_sealed(desk):
    made = await desk.make(key="key")
    again = await desk.make(key="key")
    assert made.secret is not None
    assert (again.row.hook_id, again.secret) == (made.row.hook_id, None)
    assert made.secret not in repr(made)
    (row,) = await desk.people.pool.fetch("SELECT secret FROM hook")
    opened = desk.box.open(row["secret"], made.row.hook_id)
    assert opened is not None
    assert opened not in row["secret"]
    with pytest.raises(Refusal, match="key_reused"):
        await desk.make("sale.opened", key="key")


def test_a_secret_opens_for_its_hook_and_with_either_secret():
    secret, old, new = new_secret(), "o" * 32, "n" * 32
    stored = SecretBox([old]).seal(secret, "hook_1")
    assert SecretBox([new, old]).open(stored, "hook_1") == secret
    assert SecretBox([new]).open(stored, "hook_1") is None
    assert SecretBox([old]).open(stored, "hook_2") is None
    plain = SecretBox([None]).seal(secret, "hook_1")
    assert SecretBox([new]).open(plain, "hook_1") == secret


async def test_hooks_are_for_those_who_lead(desk):
    made, delivery = await desk.make(), "msg_1"
    hook, service = made.row.hook_id, desk.service
    wish = HookWish("https://hooks.example.org", [])
    for who in (STAN, MIA, machine("other")):
        member = await desk.people.member(who)
        for call in (
            service.create(member, wish, None, b""),
            service.find(member, hook),
            service.edit(member, hook, HookEdit(active=False), None),
            service.rotate(member, hook, 0, None),
            service.test(member, hook, None),
            service.replay(member, delivery, None),
            service.find_delivery(member, delivery),
            service.delete(member, hook, None),
        ):
            with pytest.raises(Denied, match="forbidden"):
                await call
    assert (await desk.service.hooks.find("org", hook)) == made.row


async def test_a_hook_of_others_is_not_there(desk):
    made = await desk.make()
    await desk.raise_("a")
    (told,) = (await desk.told()).values()
    assert await desk.service.hooks.find("other", made.row.hook_id) is None
    assert await desk.deliveries.find("other", told.delivery_id) is None
    assert await desk.deliveries.replay("other", told.delivery_id, "r") is None
    now = datetime.now(UTC)
    day = timedelta(days=1)
    again = await desk.deliveries.replay_between(
        "other", made.row.hook_id, now - day, now + day, "r"
    )
    assert again == 0


async def test_where_it_leads_is_looked_at(desk):
    strict = HookService(
        Hooks(desk.people.pool, 20),
        Deliveries(desk.people.pool),
        desk.box,
        private=False,
    )
    leader = await desk.people.member(LENA)
    wish = HookWish("https://169.254.169.254/latest/meta-data", [])
    with pytest.raises(Refusal, match="bad_field"):
        await strict.create(leader, wish, None, b"")
    good = HookWish("https://hooks.example.org/x", [])
    made = await strict.create(leader, good, None, b"")
    with pytest.raises(Refusal, match="bad_field"):
        await strict.edit(
            leader, made.row.hook_id, HookEdit(url="https://10.0.0.1/"), None
        )


async def test_there_are_as_many_as_may_be(desk):
    few = HookService(
        Hooks(desk.people.pool, 1), desk.deliveries, desk.box, private=True
    )
    leader = await desk.people.member(LENA)
    wish = HookWish("https://hooks.example.org/x", [])
    await few.create(leader, wish, None, b"")
    with pytest.raises(Refusal, match="limit_reached"):
        await few.create(leader, wish, None, b"")


async def test_what_was_seen_is_changed_and_nothing_else(desk):
    made, leader = await desk.make(), await desk.people.member(LENA)
    hook, seen = made.row.hook_id, made.row.revision
    edited = await desk.service.edit(
        leader, hook, HookEdit(types=["sale.closed", "sale.closed"]), (seen,)
    )
    assert (edited.types, edited.url) == (["sale.closed"], made.row.url)
    assert edited.revision == seen + 1
    with pytest.raises(Stale):
        await desk.service.edit(leader, hook, HookEdit(active=False), (seen,))
    with pytest.raises(Stale):
        await desk.service.delete(leader, hook, (seen,))
    await desk.service.delete(leader, hook, (seen + 1,))
    with pytest.raises(Refusal, match="hook_not_found"):
        await desk.service.find(leader, hook)


async def test_to_send_something_changes_no_revision(desk):
    """Whoever edits would else be refused for what they did not do."""
    made = await desk.make()
    await desk.raise_("a")
    await desk.sender.settle()
    row = await desk.service.hooks.find("org", made.row.hook_id)
    assert row.ok_at is not None
    assert row.revision == made.row.revision


async def test_a_rotation_is_one_however_often_it_is_asked_for(desk):
    made, leader = await desk.make(), await desk.people.member(LENA)
    hook = made.row.hook_id
    first = await desk.service.rotate(leader, hook, 60, "once")
    again = await desk.service.rotate(leader, hook, 60, "once")
    assert first.secret not in (None, made.secret)
    assert again.secret is None
    with pytest.raises(Refusal, match="hook_not_found"):
        await desk.service.rotate(leader, "hook_none", 60, None)


async def test_a_test_is_sent_whatever_a_hook_wants(desk, receiver):
    made, leader = await desk.make("sale.closed"), await desk.people.member(LENA)
    hook = made.row.hook_id
    first = await desk.service.test(leader, hook, "key")
    assert await desk.service.test(leader, hook, "key") == first
    await desk.sender.settle()
    ((told),) = receiver.verified(made.secret)
    assert (told["type"], told["data"]) == ("hook.test", {"hook": hook})
    assert receiver.ids() == [first.delivery_id]
    await desk.edit(hook, active=False)
    with pytest.raises(Refusal, match="hook_off"):
        await desk.service.test(leader, hook, None)


async def test_what_was_told_in_a_time_is_told_again(desk, receiver):
    made, leader = await desk.make(), await desk.people.member(LENA)
    await desk.raise_("a", "b")
    await desk.sender.settle()
    between = datetime.now(UTC)
    await desk.raise_("c")
    await desk.sender.settle()
    hook = made.row.hook_id
    again = desk.service.replay_between
    day = timedelta(days=1)
    assert await again(leader, hook, between - day, between, "key") == 2
    assert await again(leader, hook, between - day, between, None) == 0
    await desk.sender.settle()
    assert len(receiver.got) == 5
    assert receiver.ids()[:2] == receiver.ids()[3:]
    # Asked once more for want of an answer, nothing is sent a third time.
    assert await again(leader, hook, between - day, between, "key") == 2
    await desk.sender.settle()
    assert len(receiver.got) == 5
    assert await again(leader, hook, between - day, between, "other") == 2
    assert await again(leader, hook, between - day, None, "key") == 1
    await desk.sender.settle()
    assert len(receiver.got) == 8
    with pytest.raises(Refusal, match="bad_field"):
        await again(leader, hook, between, between, None)


async def test_a_message_is_sent_again_once_for_each_key(desk, receiver):
    made, leader = await desk.make(), await desk.people.member(LENA)
    await desk.raise_("a")
    await desk.sender.settle()
    (told,) = (await desk.told()).values()
    for key, sent in (("key", 2), ("key", 2), ("other", 3), (None, 4), (None, 5)):
        again = await desk.service.replay(leader, told.delivery_id, key)
        assert again.delivery_id == told.delivery_id
        await desk.sender.settle()
        assert len(receiver.got) == sent, key
    assert len(set(receiver.ids())) == 1
    assert len(receiver.verified(made.secret)) == 5


async def test_with_its_organisation_a_hook_ends(desk):
    await desk.make()
    await desk.raise_("a")
    await desk.people.organisations.delete("org")
    assert await desk.people.pool.fetch("SELECT FROM hook") == []
    assert await desk.people.pool.fetch("SELECT FROM hook_delivery") == []
