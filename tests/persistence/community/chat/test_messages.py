import asyncio
from collections import Counter

import pytest

from persistence.community.chat import messages as module
from persistence.community.chat.messages import (
    KeyReused,
    Message,
    Messages,
    NoMessage,
    RoomClosed,
    Saying,
    Settled,
    Silenced,
    TooFast,
)
from persistence.community.chat.rooms import Rooms
from persistence.errors import Stale
from tests.server.events.house import SETTINGS, open_house
from tests.server.identities import MAKER

pytestmark = pytest.mark.postgres

ROOM = "event:evt"
EVERYBODY = [f"user {number}" for number in range(5)]


class Talk:
    """A room of an event, and what is said there."""

    def __init__(self, pool) -> None:
        self.pool = pool
        self.rooms, self.messages = Rooms(pool), Messages(pool)

    async def say(self, text="Hello", user="anna", key=None, **more):
        staff = more.pop("staff", False)
        saying = Saying(user, user.title(), staff, key or text, text, **more)
        return await self.messages.say(ROOM, saying)

    async def numbers(self):
        """Return the numbers that were used, of messages and of changes."""
        rows = await self.pool.fetch("SELECT seq, changed FROM chat_message")
        return sorted({number for row in rows for number in row.values()})

    async def last(self):
        return (await self.rooms.open(ROOM, "evt", None)).seq


@pytest.fixture
async def talk(database_url):
    async with open_house(database_url) as house:
        await house.catalog.create_event(
            "evt", SETTINGS, capacity=10, created_by=MAKER.user, request_hash=b""
        )
        talk = Talk(house.pool)
        await talk.rooms.open(ROOM, "evt", None)
        yield talk


async def test_numbers_have_no_hole_whoever_talks_at_once(talk):
    """Also where a key comes twice at the same moment: one of both takes nothing."""
    said = [
        talk.say(f"{user} {number}", user)
        for user in EVERYBODY
        for number in (0, 1, 2, 0, 1)
    ]
    made = await asyncio.gather(*said)
    assert len({message.seq for message in made}) == len(EVERYBODY) * 3
    assert await talk.numbers() == list(range(1, len(EVERYBODY) * 3 + 1))
    assert await talk.last() == len(EVERYBODY) * 3
    found = await talk.messages.after(ROOM, 0, 100)
    assert [one.seq for one in found] == await talk.numbers()
    assert Counter(one.user_id for one in found) == dict.fromkeys(EVERYBODY, 3)


async def test_a_key_stands_for_one_message_of_one_person(talk):
    first = await talk.say("Hello", key="key")
    assert await talk.say("Hello", key="key") == first
    with pytest.raises(KeyReused):
        await talk.say("Goodbye", key="key")
    assert (await talk.say("Goodbye", "bert", key="key")).seq == 2
    # What was edited since is not compared with what is said again.
    await talk.messages.edit(ROOM, 1, "anna", "Hello!", None)
    assert (await talk.say("Hello", key="key")).text == "Hello!"


async def test_ten_at_once_and_then_one_a_second(talk, monkeypatch):
    for number in range(module.BURST):
        await talk.say(str(number))
    # It took a while to say them, in which a few more may be said.
    more = [talk.say(str(number)) for number in range(100, 200)]
    answers = await asyncio.gather(*more, return_exceptions=True)
    fast = [one for one in answers if isinstance(one, TooFast)]
    assert len(fast) > 50
    assert all(0 <= one.wait_s <= module.EACH_S for one in fast)
    assert await talk.numbers() == list(range(1, await talk.last() + 1))
    await talk.say("Others may", "bert")
    await talk.pool.fetch("UPDATE chat_member SET ready_at = ready_at - interval '1 s'")
    await talk.say("After a second")


async def test_a_room_in_which_too_much_is_said_is_slow_by_itself(talk):
    made: list[Message] = []
    for number in range(3 * module.ROOM_BURST):
        made += [await talk.say(f"{number}", f"user {number % 20}")]
    # That took time, too, which lets more be said: but not all of it.
    row = (await talk.pool.fetch("SELECT slow_until > now() AS slow FROM chat_room"))[0]
    if not row["slow"]:
        await talk.pool.fetch(
            "UPDATE chat_room SET busy_at = clock_timestamp() + interval '5 s'"
        )
    await talk.say("Once", "carl")
    held = await talk.say("Twice", "carl")
    assert (held.state, held.why) == ("held", "slow")
    assert (await talk.say("Staff", "lena", staff=True)).state == "shown"
    assert (await talk.say("Again", "lena", staff=True)).state == "shown"


async def test_a_slow_room_holds_what_comes_too_soon(talk):
    await talk.rooms.edit(ROOM, {"slow_s": 60}, None)
    assert (await talk.say("One")).state == "shown"
    assert (await talk.say("Two")).why == "slow"
    assert (await talk.say("One of bert", "bert")).state == "shown"


async def test_words_hold_a_message_whatever_their_case(talk):
    await talk.rooms.edit(ROOM, {"words": ["straße"]}, None)
    held = await talk.say("Down the STRASSE")
    assert held.state == "shown"  # folded otherwise than it is stored
    await talk.rooms.edit(ROOM, {"words": ["strasse"]}, None)
    held = await talk.say("Down the Straße again")
    assert (held.state, held.why) == ("held", "words")
    shown = await talk.messages.settle(ROOM, held.seq, None, "shown")
    assert (shown.state, shown.text) == ("shown", "Down the Straße again")
    assert shown.changed == held.seq + 1


async def test_who_is_silenced_says_nothing_until_then(talk):
    await talk.say("Rude")
    assert await talk.rooms.silence(ROOM, "nobody", 60, False) is None
    muted = await talk.rooms.silence(ROOM, "anna", 60, False)
    assert muted is not None
    assert (muted.muted_until is None, muted.banned) == (False, False)
    with pytest.raises(Silenced) as silenced:
        await talk.say("Ruder")
    assert silenced.value.until == muted.muted_until
    await talk.rooms.silence(ROOM, "anna", 0, True)
    with pytest.raises(Silenced) as silenced:
        await talk.say("Ruder")
    assert silenced.value.until is None
    pardoned = await talk.rooms.silence(ROOM, "anna", 0, False)
    assert pardoned is not None
    assert pardoned.muted_until is None
    assert (await talk.say("Sorry")).seq == 2


async def test_a_closed_room_is_read_only_and_loses_no_number(talk):
    await talk.say("Hello")
    await talk.rooms.edit(ROOM, {"closed": True}, None)
    with pytest.raises(RoomClosed):
        await talk.say("Anybody?")
    assert await talk.last() == 1
    assert (await talk.say("It is over", "lena", staff=True)).seq == 2


async def test_a_message_is_edited_for_a_quarter_of_an_hour_by_its_author(talk):
    await talk.say("Helo")
    with pytest.raises(NoMessage):
        await talk.messages.edit(ROOM, 1, "bert", "Ha", None)
    with pytest.raises(Stale):
        await talk.messages.edit(ROOM, 1, "anna", "Hello", (7,))
    edited = await talk.messages.edit(ROOM, 1, "anna", "Hello", (1,))
    assert (edited.text, edited.changed, edited.state) == ("Hello", 2, "shown")
    assert edited.edited_at is not None
    assert await talk.messages.edit(ROOM, 1, "anna", "Hello", None) == edited
    await talk.pool.fetch(
        f"UPDATE chat_message SET at = at - interval '{module.EDIT_S + 1} s'"
    )
    with pytest.raises(Settled):
        await talk.messages.edit(ROOM, 1, "anna", "Goodbye", None)
    # Deleted it may be at any time.
    gone = await talk.messages.settle(ROOM, 1, "anna", "deleted")
    assert (gone.state, gone.text, gone.changed) == ("deleted", "", 3)
    with pytest.raises(NoMessage):
        await talk.messages.settle(ROOM, 1, None, "shown")


async def test_what_was_missed_is_read_by_numbers(talk):
    for text in ("One", "Two", "Three"):
        await talk.say(text)
    await talk.messages.edit(ROOM, 1, "anna", "First", None)
    after = await talk.messages.after(ROOM, 2, 10)
    assert [(one.seq, one.changed) for one in after] == [(3, 3), (1, 4)]
    assert [one.seq for one in await talk.messages.before(ROOM, 3, 10)] == [2, 1]
    assert [one.seq for one in await talk.messages.after(ROOM, 0, 2)] == [2, 3]


async def test_an_answer_is_to_something_that_is_there(talk):
    await talk.say("Question?")
    assert (await talk.say("Yes", "bert", reply_to=1)).reply_to == 1
    await talk.messages.settle(ROOM, 1, None, "removed")
    for gone in (1, 9):
        with pytest.raises(NoMessage):
            await talk.say(f"No {gone}", "bert", reply_to=gone)


async def test_reports_wait_until_somebody_looked(talk):
    await talk.say("Buy my tickets")
    await talk.say("Fine")
    await talk.messages.report(ROOM, 1, "bert", "Advertising")
    await talk.messages.report(ROOM, 1, "carl", "Again")
    await talk.messages.report(ROOM, 1, "carl", "Once more")
    with pytest.raises(NoMessage):
        await talk.messages.report(ROOM, 9, "carl", "Nothing")
    (case,) = await talk.messages.cases(ROOM, 10)
    assert (case.message.seq, sorted(case.reasons)) == (1, ["Advertising", "Once more"])
    left = await talk.messages.settle(ROOM, 1, None, "shown")
    assert left.changed == 1
    assert await talk.messages.cases(ROOM, 10) == []
