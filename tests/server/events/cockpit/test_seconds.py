"""The last ten minutes of an event, kept and put together."""

from server.events.cockpit.seconds import KEPT_S, Ring, Second, merged, quantile


def kept(*seconds):
    ring = Ring()
    for second in seconds:
        ring.add(second)
    return list(ring.seconds)


def test_a_second_in_which_nothing_changed_is_not_kept():
    seconds = kept(*(Second(at=at, booked=at // 3) for at in range(9)))
    assert [one.at for one in seconds] == [0, 3, 6]


def test_time_never_runs_backwards():
    assert [one.at for one in kept(Second(at=5), Second(at=4, booked=1))] == [5]


def test_ten_minutes_are_kept_and_what_they_go_on_from():
    seconds = kept(*(Second(at=at, booked=at) for at in range(KEPT_S + 50)))
    assert seconds[0].at == 49
    assert len(seconds) == KEPT_S + 1


def test_watchers_of_all_processes_are_added_up_and_the_rest_is_the_owners():
    owner = kept(
        Second(at=10, owned=True, watching=2, booked=7, commands_total=90),
        Second(at=12, owned=True, watching=3, booked=8, commands_total=99),
    )
    other = kept(Second(at=11, watching=5, booked=6), Second(at=13, watching=4))
    told = merged([other, [], owner])
    assert [(one.at, one.watching, one.booked) for one in told] == [
        (10, 2, 7),
        (11, 7, 7),
        (12, 8, 8),
        (13, 7, 8),
    ]
    assert told[-1].commands_total == 99


def test_failed_payments_of_all_are_added_up_and_who_knows_no_places_tells_none():
    looks = kept(Second(at=10, booked=7, payments_failed=1))
    heard = kept(Second(at=11, payments_failed=2))
    last = merged([looks, heard])[-1]
    assert (last.at, last.booked, last.payments_failed) == (11, 7, 3)


def test_what_the_next_owner_tells_counts_where_two_were_one():
    before = kept(Second(at=10, owned=True, booked=7, commands_total=90))
    after = kept(Second(at=20, owned=True, booked=9, commands_total=1))
    assert merged([before, after])[-1].booked == 9
    assert merged([after, before])[-1].commands_total == 1


def test_quantiles():
    times = [float(one) for one in range(1, 101)]
    assert (quantile(times, 0.5), quantile(times, 0.99)) == (51.0, 100.0)
    assert quantile([], 0.5) == 0.0
    assert quantile([3.0], 0.99) == 3.0
