from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from persistence.shop.tickets.booked import Left
from persistence.shop.tickets.register import LiveTicket
from server.shop.tickets.rules import Due, Plan, settle

A1, A2 = ("A-1", "front"), ("A-2", "back")


def left(*seats, areas=(), booking="b"):
    return Left(booking, "ann", list(seats), list(areas))


def live(ticket, label, kind="seat", state="valid", made=1, booking="b"):
    return LiveTicket(ticket, booking, kind, label, state, made)


def due(label, category, kind="seat", booking="b"):
    return Due(booking, "ann", kind, label, category)


def test_each_seat_and_place_gets_a_ticket():
    plan = settle([left(A1, A2, areas=[("GA", "floor", 2)])], [])
    assert plan == Plan(
        [],
        [
            due("A-1", "front"),
            due("A-2", "back"),
            due("GA", "floor", "place"),
            due("GA", "floor", "place"),
        ],
    )


def test_what_is_there_already_stays():
    having = [live("t1", "A-1"), live("t2", "GA", "place")]
    plan = settle([left(A1, areas=[("GA", "floor", 1)])], having)
    assert plan == Plan([], [])


def test_exactly_what_was_given_back_goes():
    having = [live("t1", "A-1"), live("t2", "A-2"), live("t3", "A-1", booking="c")]
    assert settle([left(A2)], having) == Plan(["t1"], [])


def test_all_tickets_of_a_cancelled_booking_go():
    having = [live("t1", "A-1", state="offered"), live("t2", "GA", "place")]
    assert settle([left()], having) == Plan(["t1", "t2"], [])


def test_of_places_that_are_alike_the_one_being_given_back_goes_first():
    """Then the newest; one that is on its way to somebody else goes last."""
    having = [
        live("offered", "GA", "place", "offered", made=9),
        live("old", "GA", "place", made=1),
        live("new", "GA", "place", made=5),
        live("locked", "GA", "place", "locked", made=2),
    ]
    order = ["locked", "new", "old", "offered"]
    for kept in range(5):
        plan = settle([left(areas=[("GA", "floor", kept)])], having)
        assert plan.revoke == order[: 4 - kept]
        assert len(plan.issue) == max(0, kept - 4)


def test_places_of_one_area_at_two_prices_count_together():
    plan = settle(
        [left(areas=[("GA", "floor", 1), ("GA", "floor", 2)])],
        [live("t", "GA", "place")],
    )
    assert (plan.revoke, len(plan.issue)) == ([], 2)


def test_a_seat_and_an_area_of_one_name_are_two_things():
    plan = settle([left(A1, areas=[("A-1", "floor", 1)])], [live("t", "A-1", "place")])
    assert plan == Plan([], [due("A-1", "front")])


labels = st.sampled_from(["A-1", "A-2", "A-3"])
areas = st.dictionaries(st.sampled_from(["GA", "GB"]), st.integers(0, 4))


@given(st.sets(labels), areas, st.sets(labels), areas)
def test_after_the_plan_there_is_one_ticket_for_each_and_a_second_one_does_nothing(
    seats, counts, had_seats, had_counts
):
    booking = left(
        *((label, None) for label in sorted(seats)),
        areas=[(label, None, count) for label, count in counts.items()],
    )
    having = [live(f"s{label}", label) for label in had_seats]
    having += [
        live(f"p{label}{n}", label, "place", made=n)
        for label, count in had_counts.items()
        for n in range(count)
    ]
    plan = settle([booking], having)
    after = [one for one in having if one.ticket not in plan.revoke]
    after += [
        live(f"n{n}", one.label, one.kind, made=99 + n)
        for n, one in enumerate(plan.issue)
    ]
    wanted = Counter({("seat", label): 1 for label in seats})
    wanted += Counter({("place", label): count for label, count in counts.items()})
    assert Counter((one.kind, one.label) for one in after) == wanted
    assert settle([booking], after) == Plan([], [])
