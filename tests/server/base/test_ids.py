import os
import re

import pytest

from server.base.ids import RandomIds


def test_tokens_are_long_safe_in_urls_and_never_the_same():
    ids = RandomIds()
    tokens = [ids.token() for _ in range(1_000)]
    assert len(set(tokens)) == len(tokens)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{24}", token) for token in tokens)


@pytest.mark.parametrize(
    ("draw", "length"), [(RandomIds.token, 24), (RandomIds.reference, 10)]
)
def test_a_forked_process_hands_out_other_names_than_its_parent(draw, length):
    ids = RandomIds()
    draw(ids)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, draw(ids).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 100).decode()
    os.close(reading)
    os.close(writing)
    assert len(theirs) == length
    assert theirs not in {draw(ids) for _ in range(500)}


def test_references_are_ten_letters_that_nobody_confuses():
    ids = RandomIds()
    references = [ids.reference() for _ in range(1_000)]
    assert len(set(references)) == 1_000
    assert all(re.fullmatch(r"[A-HJ-NP-Z2-9]{10}", text) for text in references)
    assert len({letter for text in references for letter in text}) == 32
