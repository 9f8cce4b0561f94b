"""Who is next, against a look at everybody and every seat."""

import random

import pytest

from inventory.commands import Release
from inventory.line.serving import all_places, fits, free_places, held_places, serve
from inventory.line.wishes import Wish
from tests.line_scene import LineScene
from tests.naive_line import NaiveLine
from tests.scenario import hall

HALL = hall(
    "A 111|11w1", "B 1122r22", "C 22cw222|2", "D 33333333", areas={"GA": (4, "3")}
)
CATEGORIES = ["1", "2", "3"]


def wishes(dice: random.Random) -> Wish:
    count = dice.choice([0, 0, 1, 1, 2, 3])
    return Wish(
        dice.choice([1, 1, 2, 2, 3, 4, 8]),
        tuple(dice.sample(CATEGORIES, count)),
        together=dice.random() < 0.7,
        accessible=dice.random() < 0.2,
    )


@pytest.mark.parametrize("seed", range(6))
def test_what_fits_is_what_a_look_at_every_seat_says(seed):
    dice = random.Random(seed)
    scene = LineScene(HALL, "list")
    scene.open()
    stock, twin = scene.stock, scene.twin
    assert isinstance(twin, NaiveLine)
    for _ in range(40):
        free = [i for i, letter in enumerate(stock.letters) if letter == ord("f")]
        if free and dice.random() < 0.7:
            labels = [HALL.labels[seat] for seat in dice.sample(free, 1)]
            scene.take("org", *labels)
        elif "org" in stock.users:
            token = dice.choice(list(stock.users["org"].holds))
            scene.ok("org", scene.make(Release, hold=token))
        wish = wishes(dice)
        if wish.accessible and not wish.together:
            continue
        expected = twin.fits(wish)
        for _ in range(2):
            found = any(fits(stock, atom) for atom in wish.atoms())
            assert found == expected, wish
        assert (serve(stock, wish) is not None) == expected


def test_places_are_counted_seats_and_areas():
    scene = LineScene(HALL, "list", max_per_booking=20, max_per_user=20)
    scene.open()
    total = len(HALL.seats) + 4
    assert all_places(scene.stock) == total
    # Of the free ones only those that anybody may have.
    assert free_places(scene.stock) == total - 3
    scene.take("org", "A-1", "D-1")
    assert held_places(scene.stock) == 2
    assert free_places(scene.stock) == total - 5
