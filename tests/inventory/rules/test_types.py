"""What an order sells the seats and places of a hold as, and what that costs."""

from typing import Any

import pytest

from inventory.changes import HoldPledged
from inventory.prices import Kinds, Prices
from inventory.settings import Money, PriceType, Settings
from inventory.snapshot import decode_snapshot, encode_snapshot
from tests.scenario import PRICES, Scene, play

EUR = "EUR"
TYPES = {
    "child": PriceType("Child", {"1": Money(2_000, EUR), "2": Money(1_000, EUR)}),
    "senior": PriceType("Senior", {"2": Money(2_500, EUR)}),
}
HELD = """
    ann     | hold A-1 A-2 GA*3 | ok hold=h1 total=18000
    for:ann | pledge h1 order=o1 until=600 types=A-2:child,GA:child*1,GA:senior*1 \
total=13000EUR | ok total=13000 lines=A-1:4500,A-2:2000/child,GA:1000/child,\
GA:2500/senior,GA:3000
"""


def sold(text: str = "", **settings: Any) -> Scene:
    return play(HELD + text, **{"types": TYPES, **settings})


def test_each_line_costs_what_its_type_does_and_else_what_its_category_does():
    sold("for:ann | book h1 order=o1 total=13000EUR | ok booking=b1 total=13000")
    play(
        """
        ann     | hold A-1 C-1 | ok hold=h1
        for:ann | pledge h1 order=o1 until=600 types=A-1:senior,C-1:senior | ok \
lines=A-1:4500/senior,C-1:2500/senior total=7000
        """,
        types=TYPES,
    )


def test_a_type_costs_what_it_does_now_and_the_rest_what_was_told():
    play(
        """
        ann     | hold A-1 A-2 GA*2       | ok hold=h1
        org     | configure price.1=9900  | ok
        ann     | hold B-1 on=h1          | ok total=24900
        for:ann | pledge h1 order=o1 until=600 types=A-1:child,B-1:senior,GA:child*1 \
total=24900EUR | price_changed total=20400
        for:ann | pledge h1 order=o1 until=600 types=A-1:child,B-1:senior,GA:child*1 \
| ok lines=A-1:2000/child,A-2:4500,B-1:9900/senior,GA:1000/child,GA:3000 total=20400
        """,
        types=TYPES,
    )


def test_what_was_held_for_nothing_is_sold_for_nothing_as_any_type():
    scene = play("ann | hold A-1 | ok hold=h1", prices={})
    scene.play("org | configure price.1=4500 price.2=3000 | ok")
    types: Any = {"types": TYPES}
    scene.ask("org", _configure(**types))
    scene.play("""
        for:ann | pledge h1 order=o1 until=60 types=A-1:child | ok total=None \
lines=A-1:0/child
    """)


@pytest.mark.parametrize(
    ("types", "code"),
    [
        ("A-3:child", "seat_not_found seats=A-3"),
        ("A-1:child,Z-9:child", "seat_not_found seats=Z-9"),
        ("GA:child", "seat_not_found seats=GA"),
        ("GA:child*3,GA:senior*1", "area_not_found"),
        ("ZZ:child*1", "area_not_found"),
        ("A-1:child*1", "area_not_found"),
        ("A-1:nobody", "type_not_found"),
        ("GA:nobody*1", "type_not_found"),
    ],
)
def test_what_is_not_there_is_refused(types, code):
    play(
        f"""
        ann     | hold A-1 A-2 GA*3 | ok hold=h1
        for:ann | pledge h1 order=o1 until=600 types={types} | {code}
        ann     | extend h1         | ok
        """,
        types=TYPES,
    )


def test_an_order_has_no_more_of_a_type_than_one_may():
    limited = {**TYPES, "child": PriceType("Child", max_per_order=2)}
    play(
        """
        ann     | hold A-1 A-2 GA*3 | ok hold=h1
        for:ann | quote h1 types=A-1:child,A-2:child,GA:child*1 | type_limit
        for:ann | pledge h1 order=o1 until=600 types=A-1:child,GA:child*2 | type_limit
        for:ann | pledge h1 order=o1 until=600 types=GA:child*3 | type_limit
        for:ann | pledge h1 order=o1 until=600 types=A-1:child,GA:child*1,GA:senior*2 \
| ok
        """,
        types=limited,
    )


def test_an_order_keeps_the_types_that_it_has_a_hold_as():
    sold("""
        tick +60s
        for:ann | pledge h1 order=o1 until=600                   | ok in=600s \
total=13000 lines=A-1:4500,A-2:2000/child,GA:1000/child,GA:2500/senior,GA:3000
        for:ann | pledge h1 order=o1 until=600 types=A-1:child   | price_changed \
total=13000
        for:ann | pledge h1 order=o1 until=600 types=A-2:child,GA:child*1,GA:senior*1 \
| ok total=13000
    """)


def test_a_hold_that_comes_back_costs_what_it_did_before():
    """Else a buyer could book at a child's price what no order asks to see a child."""
    sold("""
        for:ann | unpledge h1 order=o1         | ok
        ann     | holding                      | ok holds=h1:A-1,A-2,GA*3
        ann     | hold B-1 on=h1               | ok total=22500
        for:ann | pledge h1 order=o2 until=600 | ok total=22500
        for:ann | book h1 order=o2             | ok total=22500
    """)


def test_parts_of_a_booking_go_back_by_their_type():
    scene = sold("""
        for:ann | book h1 order=o1                    | ok booking=b1
        for:ann | part b1 places=GA:1000:senior*1     | area_not_found
        for:ann | part b1 A-2 places=GA:1000:child*1  | ok total=3000
        for:ann | part b1 places=GA:3000*1            | ok total=3000
    """)
    booking = scene.stock.bookings["b1"]
    assert booking.kinds == Kinds((None,), ("senior",))
    assert booking.prices == Prices(EUR, (4_500,), ((0, 1, 2_500),))
    scene.play("for:ann | part b1 | ok total=7000")


def test_types_are_kept_in_journal_and_snapshot():
    scene = sold("""
        bob     | hold C-1 GA*1                                    | ok hold=h2
        for:bob | pledge h2 order=o2 until=60 types=GA:child*1     | ok
        for:bob | book h2 order=o2                                 | ok booking=b1
    """)
    pledge, _ = scene.journal[1]
    assert isinstance(pledge, HoldPledged)
    assert pledge.kinds == Kinds((None, "child"), ("child", "senior", None))
    assert pledge.prices == Prices(
        EUR, (4_500, 2_000), ((0, 1, 1_000), (0, 1, 2_500), (0, 1, 3_000))
    )
    stock = decode_snapshot(encode_snapshot(scene.stock), scene.venue)
    assert stock.hash() == scene.stock.hash()
    assert stock.holds["h1"].kinds == pledge.kinds
    assert stock.bookings["b1"].kinds == Kinds((None,), ("child",))


def _configure(**patch: Any) -> Any:
    from inventory.commands import Configure
    from inventory.settings import SettingsPatch

    return Configure(id=1, event="e", patch=SettingsPatch(**patch))


def settings() -> Settings:
    return play("", types=TYPES).stock.settings


@pytest.mark.parametrize(
    ("types", "field"),
    [
        ({"x": PriceType("X", {"9": Money(1, EUR)})}, "types.x.prices.9"),
        ({"x": PriceType("X", {"1": Money(1, "JPY")})}, "types.x.prices.1.currency"),
        ({"x": PriceType("X", {"1": Money(10**12, EUR)})}, "types.x.prices.1.amount"),
        ({f"t{n}": PriceType("T") for n in range(51)}, "types"),
    ],
)
def test_types_fit_the_prices_of_the_event(types, field):
    scene = play("", prices=PRICES)
    assert scene.wrong_fields(_configure(types=types)) == field


def test_a_type_is_replaced_and_taken_away_by_itself():
    scene = play("", types=TYPES)
    scene.ask("org", _configure(types={"child": PriceType("Kid"), "senior": None}))
    assert scene.stock.settings.types == {"child": PriceType("Kid")}


def test_a_category_keeps_its_price_as_long_as_a_type_has_one():
    scene = play("", types=TYPES, sale_state="draft")
    assert scene.wrong_fields("configure price.1=none") == "types.child.prices.1"
    scene.stock.settings.types.clear()
    scene.play("org | configure price.1=none | ok")


BEFORE = """
    ann     | hold A-1 A-2 GA*3                            | ok hold=h1
    for:ann | pledge h1 order=o1 until=60 lines={} | {}
"""


def test_what_an_order_lost_and_has_again_costs_what_it_did():
    """Whatever it costs now, and though the type is gone."""
    lines = "GA:1000:child,A-2:1:kid,A-1:4400,GA:2000,GA:1000:child"
    told = "A-1:4400,A-2:1/kid,GA:1000/child,GA:1000/child,GA:2000"
    scene = play(BEFORE.format(lines, f"ok total=8401 lines={told}"))
    scene.play("""
        for:ann | pledge h1 order=o1 until=60 lines=A-1:1 | ok total=8401
        for:ann | book h1 order=o1                        | ok booking=b1 total=8401
        for:ann | part b1 places=GA:1000:child*2          | ok total=2000
    """)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("A-1:1,GA:1,GA:1,GA:1", "seat_not_found seats=A-2"),
        ("A-1:1,A-3:1,GA:1,GA:1,GA:1", "seat_not_found seats=A-2,A-3"),
        ("A-1:1,A-2:1,GA:1,GA:1", "area_not_found"),
        ("A-1:1,A-2:1,A-2:1,GA:1,GA:1,GA:1", "area_not_found"),
        ("A-1:1,A-2:1,GA:1,GA:1,GA:1,GA:1", "area_not_found"),
    ],
)
def test_a_hold_of_something_else_is_not_what_an_order_lost(lines, code):
    play(BEFORE.format(lines, code))
