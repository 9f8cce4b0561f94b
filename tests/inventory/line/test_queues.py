"""Queues that nobody is taken out of."""

import random

from inventory.line.queues import GONE, LATER, READY, Queue, Standing


def test_the_lowest_that_is_ready_comes_first():
    queue = Queue()
    queue.extend([2, 5, 9])
    standing: dict[int, Standing] = {2: GONE, 5: LATER, 9: READY}
    assert queue.first(standing.__getitem__) == 9
    standing[5] = READY
    # Dropped for a while, and nobody said that it is back.
    assert queue.first(standing.__getitem__) == 9
    queue.put_back(5)
    assert queue.first(standing.__getitem__) == 5
    queue.put_back(2)
    assert queue.first(standing.__getitem__) == 5


def test_who_is_put_in_stands_where_the_rank_does():
    queue = Queue()
    queue.append(7)
    queue.insert(3)
    assert queue.first(lambda _: READY) == 3
    assert queue.first(lambda rank: GONE if rank == 3 else READY) == 7
    assert queue.first(lambda _: GONE) is None
    assert not queue.has(3)


def test_in_and_out_again_takes_no_more_room():
    queue = Queue()
    for _ in range(20_000):
        queue.insert(1)
    assert len(queue._back) < 5_000
    assert queue.first(lambda _: READY) == 1


def test_many_that_were_passed_are_cut_off():
    queue = Queue()
    queue.extend(list(range(1, 20_001)))
    assert queue.first(lambda rank: READY if rank > 15_000 else GONE) == 15_001
    assert len(queue._fed) < 20_000
    queue.append(20_001)
    assert queue.has(20_001)
    assert not queue.has(15_000)


def test_it_says_what_a_sorted_list_says():
    for seed in range(20):
        dice = random.Random(seed)
        queue = Queue()
        standing: dict[int, Standing] = {}
        known: list[int] = []
        for rank in range(1, 200):
            queue.append(rank)
            known.append(rank)
            standing[rank] = READY
            for _ in range(3):
                one = dice.choice(known)
                now: Standing = dice.choice([READY, READY, LATER, GONE])
                if standing[one] is GONE:
                    continue
                standing[one] = now
                if now is READY:
                    queue.put_back(one)
            ready = [one for one in known if standing[one] is READY]
            assert queue.first(standing.__getitem__) == min(ready, default=None)
