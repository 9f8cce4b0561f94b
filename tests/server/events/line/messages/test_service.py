"""What is said to a line is kept for who comes later, and told once it is kept."""

import pytest

from persistence.events.line.messages import Messages
from server.base.refusals.refusals import Denied, Refusal
from server.events.line.messages.service import MessageService
from server.events.line.wire.bodies import line_document
from tests.server.identities import LENA, MIA, OLGA

pytestmark = pytest.mark.postgres
DE = {"de": "Später."}


@pytest.fixture
async def desk(room):
    """What is said to a waitlist, with what was told in `told`."""
    await room.house.put("evt", capacity=1)
    room.told = []
    room.messages = Messages(room.house.pool)
    room.service = MessageService(room.house.events, room.messages, room.told.append)
    return room


async def say(desk, text, key=None, texts=DE, who=OLGA, event="evt"):
    managed = await desk.service.managed(who, event)
    return await desk.service.say(managed, text, texts, key)


async def version(desk):
    """Return how many changes the event has: what is said is one of them."""
    local = await desk.house.registry.find("evt")
    return local.actor.stock.version


async def test_what_is_said_is_told_and_kept_for_who_comes_later(desk):
    await desk.control.open(OLGA, "evt")
    first = await say(desk, "Later.")
    second = await say(desk, "Much later.", texts={}, who=LENA)
    assert [(one.message, one.text) for one in desk.told] == [
        (first.message_id, "Later."),
        (second.message_id, "Much later."),
    ]
    assert (desk.told[0].texts, desk.told[0].event) == (DE, "evt")
    shown = await desk.control.show(None, "evt")
    told = line_document("evt", "list", shown.phase, shown.row, shown.counts)
    assert told.message is not None
    assert (told.message.id, told.message.text) == (second.message_id, "Much later.")
    assert (told.message.texts, told.message.said_at) == ({}, second.said_at)
    assert await desk.service.find(MIA, "evt", first.message_id) == first
    newest, cursor = await desk.messages.list_of("evt", limit=1, cursor=None)
    oldest, end = await desk.messages.list_of("evt", limit=1, cursor=cursor)
    assert (newest, oldest, end) == ([second], [first], None)
    assert await desk.messages.count_of("evt") == 2


async def test_under_one_key_it_is_one_message(desk):
    """It is told again: nobody knows whether it was, the first time."""
    await desk.control.open(OLGA, "evt")
    before = await version(desk)
    said = await say(desk, "Later.", "key")
    assert await say(desk, "Later.", "key") == said
    assert [one.message for one in desk.told] == [said.message_id] * 2
    assert await version(desk) == before + 1
    for text, texts in (("Sooner.", DE), ("Later.", {})):
        with pytest.raises(Refusal, match="key_reused"):
            await say(desk, text, "key", texts)
    assert len(desk.told) == 2
    # A key is one of its event, and of who used it.
    await desk.house.put("other", capacity=1)
    await desk.control.open(OLGA, "other")
    other = await say(desk, "Sooner.", "key", event="other")
    hers = await say(desk, "Sooner.", "key", who=LENA)
    assert len({said.message_id, other.message_id, hers.message_id}) == 3
    with pytest.raises(Refusal, match="message_not_found"):
        await desk.service.find(MIA, "evt", other.message_id)


async def test_only_managers_speak_and_only_where_somebody_can_wait(desk):
    with pytest.raises(Refusal, match="line_not_open"):
        await say(desk, "Later.")
    with pytest.raises(Denied):
        await desk.service.managed(MIA, "evt")
    await desk.control.open(OLGA, "evt")
    await desk.control.act(OLGA, "evt", "close")
    with pytest.raises(Refusal, match="line_over"):
        await say(desk, "Later.")
    assert desk.told == []
    assert await desk.messages.count_of("evt") == 0
