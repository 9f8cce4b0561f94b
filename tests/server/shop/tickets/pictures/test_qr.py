import random

from server.shop.tickets.pictures.qr import draw_svg, modules_of
from tests.server.shop.tickets.scanning import read_svg
from tests.server.shop.tickets.test_token import BASE32, OF_VERSION_1


def test_what_is_drawn_is_what_a_camera_reads():
    dice = random.Random(4)
    codes = ["".join(dice.choices(BASE32, k=length)) for length in range(150, 161)]
    for code in (OF_VERSION_1, *codes):
        assert read_svg(draw_svg(code)) == code


def test_a_picture_is_small_and_drawn_once():
    first = draw_svg(OF_VERSION_1)
    assert len(first) < 4_096
    assert draw_svg(OF_VERSION_1) is first
    assert len(modules_of(OF_VERSION_1)) == 45
