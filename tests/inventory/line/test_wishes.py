"""What is wished, and what would do."""

import pytest
from msgspec import ValidationError, json

from inventory.line.wishes import Wish, told_bytes


def test_categories_are_in_the_order_of_preference():
    wish = Wish(2, ("front", "rear"))
    assert wish.atoms() == ((2, "front", True, False), (2, "rear", True, False))


def test_none_means_any():
    assert Wish(3, together=False).atoms() == ((3, "", False, False),)


def test_one_alone_is_together_either_way():
    assert Wish(1, together=False).atoms() == Wish(1).atoms()


def test_equal_wishes_are_one_key():
    assert len({Wish(2, ("a",)), Wish(2, ("a",)), Wish(2, ("b",))}) == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"quantity": 0}',
        b'{"quantity": 101}',
        b'{"quantity": 1, "categories": ["a", "b", "c", "d"]}',
        b'{"quantity": 1, "if_none": "leave"}',
    ],
)
def test_what_cannot_be_wished_is_refused(body):
    with pytest.raises(ValidationError):
        json.decode(body, type=Wish)


def test_what_it_takes_to_tell_wishes_grows_with_their_labels():
    assert told_bytes([]) == 0
    assert told_bytes([Wish(1), Wish(2)]) == 2 * told_bytes([Wish(1)])
    assert told_bytes([Wish(1, ("ab", "c"))]) == told_bytes([Wish(1)]) + 9
    # Bytes are counted, as they are written.
    assert told_bytes([Wish(1, ('ü"',))]) == told_bytes([Wish(1)]) + 7
