"""Who is told when: near the front soon again, each once, whoever comes and goes."""

import random
import tracemalloc
from collections import defaultdict

import pytest
from msgspec.structs import replace

from server.events.line.waiters.crowd import FAR_S, Crowd
from server.events.line.waiters.state import LineState, Mark
from server.live.fanout.writer import Writer

STATE = LineState(
    "evt", 1, "open", 7, 1_000, 9_000, 3, (Mark(1, 0, 0),), 0, 0.0, {}, 500, 5_000, 99
)


class Socket(Writer):
    """A socket that nobody writes to."""

    __slots__ = ()

    def __init__(self) -> None:
        pass


def crowd_of(*ranks):
    crowd = Crowd("evt")
    crowd.state = STATE
    sockets = [Socket() for _ in ranks]
    for socket, rank in zip(sockets, ranks, strict=True):
        crowd.add(socket, f"u{rank}", rank, 1)
    return crowd, sockets


def turn(crowd, most=2):
    """Let a second go by; return who was due."""
    told = []
    while some := crowd.due(most):
        told += some
    return told


def test_each_is_told_at_once_and_then_by_how_far_they_are():
    crowd, _ = crowd_of(1, 500, 501, 5_000, 5_001, 9_000)
    told = defaultdict(list)
    for second in range(61):
        for waiter in turn(crowd):
            told[waiter.rank].append(second)
    assert told[1] == told[500] == list(range(0, 61, 2))
    assert told[501] == told[5_000] == list(range(0, 61, 10))
    assert told[5_001] == told[9_000] == [0, 30, 60]


def test_who_comes_near_is_told_more_often_from_the_next_time_on():
    crowd, _ = crowd_of(5_001)
    assert len(turn(crowd)) == 1
    crowd.state = replace(STATE, near=6_000, middle=6_000)
    seconds = [second for second in range(1, 37) if turn(crowd)]
    assert seconds == [30, 32, 34, 36]


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_told_twice_or_left_out_whoever_comes_and_goes(seed):
    """L25: who stays is never longer than half a minute without a word."""
    choose, crowd = random.Random(seed), Crowd("evt")
    crowd.state = STATE
    here: dict[Socket, int] = {}
    for second in range(200):
        for _ in range(choose.randint(0, 5)):
            socket = Socket()
            here[socket] = second - 1
            crowd.add(socket, "u", choose.randint(1, 9_000), 1)
        if here and choose.random() < 0.5:
            gone = choose.choice(list(here))
            del here[gone]
            crowd.remove(gone)
            if choose.random() < 0.5:
                here[gone] = second - 1
                crowd.add(gone, "u", choose.randint(1, 9_000), 1)
        if choose.random() < 0.05:
            crowd.tell_all()
            here = dict.fromkeys(here, second - FAR_S)
        told = [waiter.writer for waiter in turn(crowd, choose.randint(1, 9))]
        assert len(told) == len(set(told))
        assert set(told) <= set(here)
        for socket in told:
            here[socket] = second
        assert all(second - at < FAR_S for at in here.values())


def test_a_new_phase_is_told_to_all_in_the_next_second():
    crowd, _ = crowd_of(1, 600, 7_000)
    turn(crowd)
    assert turn(crowd) == []
    crowd.tell_all()
    assert len(turn(crowd)) == 3
    assert turn(crowd) == []


def test_a_rank_that_comes_later_is_learnt_at_all_sockets_of_its_user():
    crowd = Crowd("evt")
    first, second, gone = [Socket() for _ in range(3)]
    crowd.add(first, "ann", None, 1)
    crowd.add(second, "ann", None, 1)
    crowd.add(gone, "bob", None, 1)
    crowd.remove(gone)
    assert crowd.front(9_000) == []
    assert crowd.unknown(10) == ["ann"]
    learnt = crowd.learn("ann", 7)
    assert [one.writer for one in learnt] == [first, second]
    assert crowd.learn("ann", 7) == []
    assert crowd.learn("bob", 8) == []
    assert crowd.front(9_000) == [7, 7]


def test_whose_rank_is_learnt_is_told_again_as_those_near_it_are():
    crowd = Crowd("evt")
    crowd.state = STATE
    crowd.add(Socket(), "ann", None, 1)
    crowd.add(Socket(), "bob", None, 1)
    assert len(turn(crowd)) == 2
    crowd.learn("ann", 7)
    told = [[one.user for one in turn(crowd)] for _ in range(30)]
    assert told[:5] == [[], [], ["ann"], [], ["ann"]]
    assert told[28:] == [["ann"], ["bob"]]


def test_who_was_fed_since_a_line_was_told_is_told_soon():
    crowd, _ = crowd_of(9_001)
    assert len(turn(crowd)) == 1
    crowd.state = replace(STATE, fed=9_001)
    assert [second for second in range(1, 33) if turn(crowd)] == [2, 32]


def test_ranks_are_looked_up_at_once_and_then_ever_less_often():
    crowd = Crowd("evt")
    crowd.add(Socket(), "ann", None, 1)
    looks = [second for second in range(100) if crowd.looks(1)]
    assert looks == [0, 1, 3, 7, 15, 31, 61, 91]
    # More were fed, or somebody came.
    assert [crowd.looks(2) for _ in range(3)] == [True, True, False]
    crowd.add(Socket(), "bob", None, 1)
    assert [crowd.looks(2) for _ in range(3)] == [True, True, False]


def test_ranks_of_the_draw_before_are_nobodys():
    crowd, (ann, bob, gone) = crowd_of(5, 7, 9)
    crowd.remove(gone)
    carl, dora = Socket(), Socket()
    crowd.add(carl, "u9", None, 1)
    crowd.came = False
    crowd.begin(1)
    assert crowd.front(9_000) == [5, 7]
    crowd.begin(2)
    assert crowd.front(9_000) == []
    assert crowd.came
    assert crowd.unknown(9) == ["u9", "u5", "u7"]
    # It was read before the other draw began.
    assert crowd.add(dora, "u8", 3, 1).rank == 0
    assert [one.writer for one in crowd.learn("u7", 2)] == [bob]
    assert crowd.front(9_000) == [2]
    crowd.remove(bob)
    crowd.remove(ann)
    assert crowd.front(9_000) == []
    # Whoever comes with a rank of the next one knows of it first.
    crowd.learn("u8", 1)
    assert crowd.add(ann, "u5", 4, 3).rank == 4
    assert crowd.front(9_000) == [4]
    assert set(crowd.unknown(9)) == {"u9", "u8"}


def test_the_front_is_who_is_here_up_to_a_rank():
    crowd, sockets = crowd_of(5, 1, 9, 5)
    assert crowd.front(5) == [1, 5, 5]
    crowd.remove(sockets[0])
    crowd.remove(sockets[0])
    assert crowd.front(9) == [1, 5, 9]
    again = crowd.add(sockets[1], "u1", 1, 1)
    assert crowd.front(9) == [1, 5, 9]
    assert crowd.waiters[sockets[1]] is again


def test_a_waiter_takes_few_bytes_beside_its_socket():
    """At most 300 in all: the rest is what its session keeps."""
    count, crowd = 5_000, Crowd("evt")
    crowd.state = STATE
    sockets = [Socket() for _ in range(count)]
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for rank, socket in enumerate(sockets, 1_000):
        crowd.add(socket, "u", rank, 1)
    turn(crowd, 500)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / count < 150
