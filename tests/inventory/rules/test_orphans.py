"""The rule against orphans, whatever brings the outcome about.

Row A has seats 1 to 8 unless a picture says something else.
"""

import pytest

from inventory.replies import Refused
from tests.scenario import Scene, hall, play, settings_of

ROW = hall("A 11111111", "B 11111111")


def scene_of(script: str, *rows: str) -> Scene:
    return play(script, venue=hall(*rows) if rows else ROW, prevent_orphans=True)


def refused(scene: Scene, command: str, user: str = "ann") -> Refused:
    reply = scene.ask(user, command)
    assert isinstance(reply, Refused)
    assert reply.code == "orphan_seat"
    return reply


def test_a_part_is_not_taken_back_where_it_would_be_alone():
    scene_of(
        """
        ann | hold A-1 A-2 A-3 | ok
        ann | release h1 A-1   | orphan_seat orphans=A-1 alternatives=A-3
        ann | release h1 A-2   | orphan_seat orphans=A-2 alternatives=A-3
        ann | release h1 A-3   | ok
        ann | book h1          | ok has=A-1,A-2
        """
    )


def test_what_is_offered_instead_can_be_given_back():
    scene = scene_of("ann | hold A-3 A-4 A-5 A-6 | ok")
    reply = refused(scene, "release h1 A-4 A-6")
    assert reply.orphans == ["A-4"]
    assert isinstance(reply.alternatives, list)
    assert reply.alternatives
    for labels in reply.alternatives:
        assert len(labels) == 2
        scene = scene_of("ann | hold A-3 A-4 A-5 A-6 | ok")
        scene.play(f"ann | release h1 {' '.join(labels)} | ok")


def test_more_is_offered_where_no_other_part_of_that_size_can_be_given_back():
    scene = scene_of("ann | hold A-1 A-2 A-3 | ok", "A 111", "B 1111")
    reply = refused(scene, "release h1 A-1")
    assert reply.alternatives == [["A-1", "A-2"], ["A-2", "A-3"]]
    assert "more of it" in reply.detail
    scene.play("ann | release h1 A-1 A-2 | ok")


def test_giving_back_gives_way_where_there_are_no_better_seats():
    scene_of(
        """
        ann | hold A-1 A-2 A-3 | ok
        ann | release h1 A-1   | ok
        ann | book h1          | ok has=A-2,A-3
        """,
        "A 111",
    )


def test_the_whole_can_always_be_given_back():
    scene_of(
        """
        bob | hold A-1         | ok
        ann | hold A-2 A-3     | ok
        ann | release h2       | ok
        ann | hold A-2 A-3     | ok
        bob | release h1       | ok
        ann | release h3 A-2 A-3 | ok
        """
    )


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            """
            ann | hold A-1 A-2 B-4 | ok
            bob | hold B-3         | ok
            cat | hold B-5         | ok
            ann | release h1 B-4   | ok
            """,
            id="beside-others-only",
        ),
        pytest.param(
            """
            ann | hold A-1 A-2 A-3 GA*2 | ok
            ann | release h1 GA*1       | ok
            """,
            id="places",
        ),
    ],
)
def test_what_is_not_left_alone_by_this_hold_is_taken_back(script):
    venue = hall("A 11111111", "B 11111111", areas={"GA": (5, "1")})
    play(script, venue=venue, prevent_orphans=True)


def test_seats_added_are_judged_with_those_of_the_hold():
    scene = scene_of("ann | hold A-1 | ok")
    reply = refused(scene, "hold A-3 on=h1")
    assert reply.orphans == ["A-2"]
    assert isinstance(reply.alternatives, list)
    assert reply.alternatives[0] == ["A-2"]
    scene.play("ann | hold A-2 on=h1 | ok has=A-1,A-2")


def test_seats_beside_the_hold_are_offered_for_it():
    scene = scene_of("ann | hold A-3 A-4 | ok", "A 1111222222", "B 1111111111")
    reply = refused(scene, "hold B-2 B-3 on=h1")
    assert isinstance(reply.alternatives, list)
    assert reply.alternatives[0] == ["A-1", "A-2"]
    assert not {"A-5", "A-6"} & {one for part in reply.alternatives for one in part}


def test_a_booking_moves_up_where_that_costs_nothing():
    scene = scene_of(
        """
        ann | hold A-1     | ok
        ann | hold A-2 A-3 | ok
        ann | release h1   | ok
        """
    )
    reply = refused(scene, "book h2")
    assert (reply.orphans, reply.alternatives) == (["A-1"], [["A-2", "A-1"]])
    assert "give back A-3 and add A-1" in reply.detail
    scene.play(
        """
        ann | release h2 A-3   | ok
        ann | hold A-1 on=h2   | ok
        ann | book h2          | ok has=A-2,A-1
        """
    )


def test_a_booking_is_held_to_the_rule_also_when_the_other_hold_ran_out():
    scene_of(
        """
        ann | hold A-8 ttl=60     | ok
        ann | hold A-6 A-7        | ok
        tick +70s
        ann | book h2 | orphan_seat orphans=A-8 alternatives=A-8,A-7
        """
    )


@pytest.mark.parametrize(
    ("script", "row"),
    [
        pytest.param("bob | hold A-4 A-5 | ok", "A 11111111", id="no-room-to-move"),
        pytest.param("org | block A-4 | ok", "A 11111111", id="blocked-behind"),
        pytest.param("", "A 111", id="at-the-end-of-the-row"),
        pytest.param("", "A 11211111", id="another-category"),
        pytest.param("", "A r1111111", id="a-worse-seat"),
        pytest.param("org | sale pause | ok", "A 11111111", id="the-sale-is-paused"),
    ],
)
def test_a_booking_is_not_refused_for_what_its_buyer_cannot_mend(script, row):
    scene_of(
        f"""
        ann | hold A-1     | ok
        ann | hold A-2 A-3 | ok
        {script}
        ann | release h1   | ok
        ann | book h2      | ok
        """,
        row,
        "B 11111111",
    )


def test_what_is_paid_for_is_booked_as_it_is():
    play(
        """
        ann     | hold A-1     | ok
        bob     | hold A-2 A-3 | ok
        cat     | hold A-6 A-7 A-8 | ok
        for:bob | pledge h2 order=o1 until=60 | ok
        ann     | release h1      | ok
        ann     | hold A-5        | orphan_seat
        for:bob | book h2 order=o1 | ok
        for:ann | hold A-5        | ok hold=h4
        for:ann | book h4 order=o2 | ok
        """,
        venue=ROW,
        prevent_orphans=True,
    )


def test_without_the_rule_parts_and_bookings_leave_orphans():
    play(
        """
        ann | hold A-1 A-2 A-3 | ok
        ann | release h1 A-1   | ok
        ann | book h1          | ok
        """,
        venue=ROW,
    )


def test_alternatives_to_taken_seats_obey_the_rule():
    scene = scene_of("bob | hold A-1 A-2 | ok", "A 111111", "B 111", "C 111", "D 111")
    for user in ("ann", "cat", "dan", "eve"):
        reply = scene.ask(user, "hold A-2 A-3")
        assert isinstance(reply, Refused)
        assert isinstance(reply.alternatives, list)
        assert reply.alternatives
        for labels in reply.alternatives:
            again = Scene(scene.venue, settings_of(prevent_orphans=True))
            again.play("bob | hold A-1 A-2 | ok")
            again.play(f"{user} | hold {' '.join(labels)} | ok")
