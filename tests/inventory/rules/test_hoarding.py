"""What one network may hold, and what is closed to who lets it go again and again."""

import pytest
from msgspec import UNSET

from inventory import limits
from inventory.changes import SeatsHeld
from inventory.snapshot import decode_snapshot, encode_snapshot
from tests.scenario import Scene, hall, play, settings_of

LARGE = hall(areas={"GA": (500, "1")})


def crowd(**settings: object) -> Scene:
    """Two users of one network hold ten places, which is all that one may."""
    return play(
        """
        ann@n1 | hold GA*6 | ok hold=h1
        bob@n1 | hold GA*4 | ok hold=h2
        """,
        venue=LARGE,
        **{"max_held_per_network": 10, "max_per_booking": 6, **settings},
    )


def test_a_network_holds_no_more_than_the_event_allows():
    scene = crowd().play("cat@n1 | hold GA*1 | held_too_often")
    refused = scene.refused("cat@n1", "hold GA*1")
    assert (refused.limit, refused.has) == (10, 10)
    assert refused.transient
    assert refused.retry_after_ms == limits.CROWDED_RETRY_MS
    scene.play("""
        cat@n1 | best 1             | held_too_often
        cat@n2 | hold GA*6          | ok
        ann@n1 | hold GA*1 on=h1    | too_many_seats
        bob@n1 | hold GA*1 on=h2    | held_too_often
        """)


def test_bookings_do_not_count():
    crowd().play("""
        ann@n1 | book h1   | ok
        cat@n1 | hold GA*6 | ok
        dan@n1 | hold GA*1 | held_too_often
        """)


def test_what_was_let_go_counts_for_a_minute():
    crowd().play("""
        ann@n1 | release h1 | ok
        cat@n1 | hold GA*1  | held_too_often
        tick +59.999s
        cat@n1 | hold GA*1  | held_too_often
        tick +0.001s
        cat@n1 | hold GA*6  | ok
        """)


def test_what_ran_out_counts_for_a_minute_too():
    crowd(hold_ttl_s=30).play("""
        tick +35s
        cat@n1 | hold GA*1 | held_too_often
        cat@n2 | hold GA*6 | ok
        tick +60s
        cat@n1 | hold GA*6 | ok
        """)


def test_one_booking_may_always_be_held_when_nothing_else_is():
    play(
        "ann@n1 | hold GA*90 | ok",
        venue=LARGE,
        max_per_booking=100,
        max_per_user=100,
    )


def test_who_comes_from_nowhere_is_not_limited():
    crowd().play("""
        org | hold GA*6 | ok
        cat | hold GA*6 | ok
        dan | hold GA*6 | ok
        """)


def test_a_hold_stays_with_the_network_that_it_came_from():
    scene = crowd().play("""
        cat@n2 | hold GA*1       | ok hold=h3
        cat@n1 | hold GA*2 on=h3 | ok
        """)
    networks = scene.stock.hoarding.networks
    assert {name: one.held for name, one in networks.items()} == {"n1": 10, "n2": 3}
    change, _ = scene.journal[-1]
    assert isinstance(change, SeatsHeld)
    assert change.origin == "n2"


HELD_THRICE = """
    ann@n1 | hold A-1   | ok hold=h1
    ann@n1 | release h1 | ok
    ann@n1 | hold A-1   | ok hold=h2
    ann@n1 | release h2 | ok
    ann@n1 | hold A-1   | ok hold=h3
    tick +605s
"""


def test_the_third_time_closes_a_seat_for_a_time_that_doubles():
    scene = play(HELD_THRICE)
    refused = scene.refused("ann@n1", "hold A-2 A-1")
    assert refused.code == "held_too_often"
    assert (refused.seats, refused.retry_after_ms) == (["A-1"], 30_000)
    assert refused.limit is UNSET
    scene.play("""
        ann@n1 | hold A-2   | ok hold=h4
        ann@n2 | hold A-1   | held_too_often
        bob@n1 | hold A-1   | ok hold=h5
        bob@n1 | release h5 | ok
        tick +30s
        ann@n1 | hold A-1   | ok hold=h6
        ann@n1 | release h6 | ok
        tick +59.999s
        ann@n1 | hold A-1   | held_too_often
        tick +0.001s
        ann@n1 | hold A-1   | ok
        """)


def test_users_of_a_network_who_take_turns_close_it_for_each_other():
    scene = play("""
        ann@n1 | hold A-1   | ok hold=h1
        ann@n1 | release h1 | ok
        bob@n1 | hold A-1   | ok hold=h2
        bob@n1 | release h2 | ok
        ann@n1 | hold A-1   | ok hold=h3
        ann@n1 | release h3 | ok
        cat@n1 | hold A-1   | held_too_often
        cat@n2 | hold A-1   | ok
        """)
    assert scene.refused("cat@n1", "hold A-1").retry_after_ms == 30_000


def test_neighbours_are_not_told_off_for_one_who_cannot_decide():
    play(HELD_THRICE).play("bob@n1 | hold A-1 | ok")


def test_the_best_seats_are_others_while_the_best_are_closed():
    scene = play(HELD_THRICE).play("""
        ann@n1 | best 1     | ok hold=h4 has=A-2
        ann@n1 | release h4 | ok
        bob@n1 | best 1     | ok hold=h5 has=A-1
        bob@n1 | release h5 | ok
        tick +31s
        ann@n1 | best 1     | ok has=A-1
        """)
    assert scene.stock.finder.free_count("1") == 7


@pytest.mark.parametrize("scattered", ["", " scattered"])
def test_a_search_that_only_finds_what_is_closed_is_for_later(scattered):
    scene = play(HELD_THRICE, venue=hall("A 1"))
    refused = scene.refused("ann@n1", f"best 1{scattered}")
    assert (refused.code, refused.retry_after_ms) == ("held_too_often", 30_000)
    assert scene.refused("ann@n1", f"best 2{scattered}").code == "not_enough_seats"


def test_an_area_closes_with_whole_holds_and_not_with_corrected_numbers():
    scene = play("""
        ann@n1 | hold GA*5       | ok hold=h1
        ann@n1 | release h1 GA*1 | ok
        ann@n1 | release h1 GA*1 | ok
        ann@n1 | release h1 GA*1 | ok
        ann@n1 | hold GA*1 on=h1 | ok
        ann@n1 | release h1      | ok
        ann@n1 | hold GA*1       | ok hold=h2
        ann@n1 | release h2      | ok
        ann@n1 | hold GA*1       | ok hold=h3
        ann@n1 | release h3      | ok
        ann@n1 | hold GA*1       | held_too_often
        bob@n1 | hold GA*1       | ok
        """)
    assert scene.refused("ann@n1", "hold GA*1").seats is UNSET


def test_an_area_that_is_closed_is_passed_over():
    venue = hall(areas={"GA": (20, "1"), "GB": (10, "1")})
    go = "ann@n1 | best 1 | ok hold=h{0} has=GA*1\nann@n1 | release h{0} | ok\n"
    scene = play("".join(go.format(n) for n in (1, 2, 3)), venue=venue)
    scene.play("ann@n1 | best 1 | ok has=GB*1")
    assert scene.refused("ann@n1", "best 11").code == "too_many_seats"
    scene.play("org | block GB*9 | ok")
    assert scene.refused("ann@n1", "best 2").code == "held_too_often"


def test_what_was_let_go_long_ago_is_forgotten():
    play("""
        ann@n1 | hold A-1   | ok hold=h1
        ann@n1 | release h1 | ok
        ann@n1 | hold A-1   | ok hold=h2
        ann@n1 | release h2 | ok
        tick +4800s
        ann@n1 | hold A-1   | ok hold=h3
        ann@n1 | release h3 | ok
        ann@n1 | hold A-1   | ok
        """)


def test_a_snapshot_remembers_who_let_go_what():
    scene = play(HELD_THRICE).play("""
        org    | configure max_held_per_network=1 max_per_booking=1 | ok
        bob@n2 | hold A-4                                           | ok
        """)
    restored = decode_snapshot(encode_snapshot(scene.stock), scene.venue)
    assert restored.hash() == scene.stock.hash()
    restored.check()
    scene.stock = restored
    refused = scene.refused("ann@n2", "hold A-1")
    assert refused.retry_after_ms == limits.CROWDED_RETRY_MS
    assert scene.refused("ann@n3", "hold A-1").retry_after_ms == 30_000


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "LET_GO_MAX", 6)
    monkeypatch.setattr(limits, "LET_GO_PLACES_MAX", 2)
    scene = Scene(hall("A 1111"), settings_of())
    for number in range(8):
        scene.play(f"""
            u{number}@n{number} | hold A-1 A-2 A-3     | ok hold=h{number + 1}
            u{number}@n{number} | release h{number + 1} | ok
            """)
    for table in (scene.stock.hoarding.by_user, scene.stock.hoarding.by_network):
        assert [row[1] for row in table.rows()] == [1, 2] * 3
    assert [row[0] for row in table.rows()] == ["n5", "n5", "n6", "n6", "n7", "n7"]
    scene.tick(61)
    scene.ask("u9@n9", "hold A-1")
    assert set(scene.stock.hoarding.networks) == {"n9"}
    restored = decode_snapshot(encode_snapshot(scene.stock), scene.venue)
    assert restored.hash() == scene.stock.hash()


def test_the_oldest_is_forgotten_when_it_counts_no_more():
    scene = play("""
        ann@n1 | hold A-1   | ok hold=h1
        ann@n1 | release h1 | ok
        tick +4800s
        bob@n2 | hold A-2   | ok hold=h2
        bob@n2 | release h2 | ok
        """)
    assert [row[0] for row in scene.stock.hoarding.by_user.rows()] == ["bob"]
