"""Turns told at once to the sockets of their users, on this process."""

import asyncio
from typing import Any

import pytest
from msgspec import UNSET

from inventory.ports import Publication, TurnNews, TurnOver
from inventory.venue.own import GA
from server.events.line.news import LineNews, Offer, Turn, TurnEnd
from server.live.cluster.messages import Published, decode, encode
from tests.server.events.line.room import FIFO, settings, who

pytestmark = pytest.mark.postgres


class Socket:
    """What a client would be sent."""

    def __init__(self) -> None:
        self.codec = self
        self.frames: list[Any] = []

    def pack(self, frame):
        return frame

    def write(self, frame):
        self.frames.append(frame)


class Here:
    """A process at which people have sockets."""

    def __init__(self, room) -> None:
        house = room.house
        self.hub = house.hub
        self.news = LineNews(house.hub, room.entries, house.clock)
        house.hub.turned = self.news.tell

    def socket(self, name):
        socket = Socket()
        self.hub.by_user.setdefault(who(name).user, set()).add(socket)
        return socket

    async def told(self):
        while self.news._tasks:
            await asyncio.gather(*self.news._tasks)


@pytest.fixture
async def here(room):
    await room.house.put("evt", capacity=1)
    room.booking = await room.buy("early", 1)
    return Here(room)


async def test_an_offer_is_told_to_its_user_alone(room, here):
    ann, bert = here.socket("ann"), here.socket("bert")
    second = here.socket("ann")
    place, _ = await room.join("ann", "bert")
    await room.cancel("early", room.booking)
    await here.told()
    (offer,) = ann.frames
    assert isinstance(offer, Offer)
    assert (offer.event, offer.entry, offer.areas) == ("evt", place.entry, {GA: 1})
    assert 0 < offer.expires_in_ms <= 600_000
    assert second.frames == ann.frames
    assert bert.frames == []
    # One place came back; that two sockets were told of it is one time.
    assert sum(here.news.served.counts) == 1
    await room.desk.leave(who("ann"), "evt")
    await here.told()
    assert ann.frames[1:] == [TurnEnd("evt", "left")]
    assert [type(one) for one in bert.frames] == [Offer]


async def test_of_a_waitlist_all_is_an_offer(room, here):
    """Also what was free when somebody joined."""
    await room.cancel("early", room.booking)
    ann = here.socket("ann")
    await room.join("ann")
    await here.told()
    assert [type(one) for one in ann.frames] == [Offer]


async def test_whoever_comes_back_within_a_turn_hears_it_at_once(room, here):
    await room.join("ann")
    await room.cancel("early", room.booking)
    await room.follow()
    found, entry = await room.desk.mine(who("ann"), "evt")
    held = await room.desk.hold_of(who("ann"), found, entry)
    offer = here.news.frame_of(entry, held)
    assert isinstance(offer, Offer)
    assert (offer.hold, offer.areas) == (entry.hold, {GA: 1})
    await room.desk.leave(who("ann"), "evt")
    await room.follow()
    _, entry = await room.desk.mine(who("ann"), "evt")
    assert entry.over_at is not None


async def test_a_turn_to_choose_is_told_as_a_turn(room, here):
    await room.house.put("front", settings(line=FIFO), capacity=5)
    await room.join("ann", event="front")
    ann = here.socket("ann")
    await room.give_turn("front")
    await here.told()
    (turn,) = ann.frames
    assert isinstance(turn, Turn)
    assert (turn.because, turn.rank) == ("line", 1)
    assert turn.hold is not UNSET


def test_other_processes_hear_of_turns_with_the_batch_that_gave_them():
    news = TurnNews("usr_1", 7, "returned", 9, "h1", ["A-1"], {GA: 2}, None, 8)
    over = TurnOver("usr_2", 3, "ran_out")
    batch = Publication(
        "evt", "hst", 1, 4, 6, (), b"", {}, None, [], turns=[news], turns_over=[over]
    )
    heard = decode(encode(Published(batch)))
    assert heard.publication.turns == [news]
    assert heard.publication.turns_over == [over]
