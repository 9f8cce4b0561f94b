"""Counts of gates are told to those who watch them, where they changed."""

import asyncio

import pytest
from msgspec.structs import replace

from persistence.errors import Unavailable
from persistence.shop.checkin.counts import ListCounts
from server.base.jobs import Job
from server.shop.checkin import feed as module
from server.shop.checkin.feed import WATCHED_MAX, GateFeed, GateFrame

MAIN = ListCounts("evt", "main", 1, 0, 0, 0, 1)
VIP = ListCounts("evt", "vip", 0, 0, 0, 0, 0)


class Screen:
    """Stands for the writer of a connection."""

    def __init__(self) -> None:
        self.heard: list[GateFrame] = []
        self.news = asyncio.Event()
        self.takes = True

    def roomy(self) -> bool:
        return self.takes

    def send(self, frame: GateFrame) -> None:
        self.heard.append(frame)
        self.news.set()

    def lists(self) -> list[tuple[str, int]]:
        heard, self.heard = self.heard, []
        return [(frame.list, frame.come) for frame in heard]


class Gates:
    def __init__(self) -> None:
        self.counts = [MAIN, VIP]
        self.asked: list[list[str]] = []
        self.away = 0
        """So often the database is not there."""

    async def of_lists(self, events):
        self.asked.append(events)
        if self.away:
            self.away -= 1
            raise Unavailable
        return [one for one in self.counts if one.event_id in events]


@pytest.fixture
def gates() -> Gates:
    return Gates()


@pytest.fixture
def feed(gates) -> GateFeed:
    return GateFeed(gates.of_lists)


async def test_who_watches_hears_at_once_and_then_of_changes(gates, feed):
    screen = Screen()
    assert feed.watch(screen, "evt", None)
    await feed.look()
    assert screen.heard[0] == GateFrame("evt", "main", 1, 0, 0, 0, 1)
    assert screen.lists() == [("main", 1), ("vip", 0)]
    await feed.look()
    assert screen.lists() == []
    gates.counts[1] = replace(VIP, come=7)
    await feed.look()
    assert screen.lists() == [("vip", 7)]


async def test_one_list_or_all_of_them(feed):
    one, other = Screen(), Screen()
    feed.watch(one, "evt", "vip")
    feed.watch(other, "evt", "none")
    await feed.look()
    assert (one.lists(), other.lists()) == ([("vip", 0)], [])
    # Asked again it is told anew.
    feed.watch(one, "evt", None)
    await feed.look()
    assert one.lists() == [("main", 1), ("vip", 0)]


async def test_nothing_is_asked_for_nobody(gates, feed):
    await feed.look()
    screen = Screen()
    feed.watch(screen, "evt", None)
    feed.unwatch(screen, "evt")
    feed.unwatch(screen, "evt")
    feed.leave(screen)
    await feed.look()
    assert gates.asked == []
    feed.watch(screen, "evt", None)
    feed.watch(screen, "b", None)
    await feed.look()
    assert gates.asked == [["b", "evt"]]
    feed.leave(screen)
    await feed.look()
    assert len(gates.asked) == 1


async def test_who_takes_nothing_hears_the_last_counts_later(gates, feed):
    screen = Screen()
    screen.takes = False
    feed.watch(screen, "evt", "main")
    for come in range(3):
        gates.counts[0] = replace(MAIN, come=come)
        await feed.look()
    screen.takes = True
    await feed.look()
    assert screen.lists() == [("main", 2)]


async def test_a_connection_watches_so_many(feed):
    screen = Screen()
    assert all(feed.watch(screen, f"e{n}", None) for n in range(WATCHED_MAX))
    assert not feed.watch(screen, "more", None)
    assert feed.watch(screen, "e0", "main")


async def test_a_database_that_is_away_ends_nothing(gates, feed, monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    screen, job = Screen(), Job()
    feed.watch(screen, "evt", "main")
    gates.away = 2
    running = asyncio.ensure_future(feed.run(job))
    await screen.news.wait()
    running.cancel()
    assert (len(gates.asked), screen.lists()) == (3, [("main", 1)])
    assert job.state.last_error_at is not None
