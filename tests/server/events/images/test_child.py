"""What a child makes of an upload is what is made of it here."""

import pytest

from server.events.images.encoding import (
    CPU_S,
    MEMORY_BYTES,
    MODULE,
    BadImage,
    encode_sizes,
    read_answer,
    work,
)
from server.transport.children.workshop import Workshop
from tests.pictures import bomb, picture


def test_an_answer_is_read_as_it_was_meant():
    assert read_answer(work(picture())) == encode_sizes(picture())
    with pytest.raises(BadImage):
        read_answer(work(bomb()))


async def test_the_largest_picture_has_room_in_a_child():
    decoding = Workshop(
        MODULE, at_once_max=1, waiting_max=0, memory_bytes=MEMORY_BYTES, cpu_s=CPU_S
    )
    large = picture("PNG", (7_000, 7_000), "RGBA")
    sizes = read_answer(await decoding.run(large))
    assert (sizes["large"].width, sizes["large"].height) == (1_600, 1_600)
