"""A draw comes to its end by itself, and to the same one, whoever goes on with it."""

import msgspec
import pytest

pytestmark = pytest.mark.postgres
NAMES = [f"u{n}" for n in range(9)]


async def test_a_draw_is_run_and_its_transcript_is_whole(hall):
    await hall.put()
    await hall.gather(*NAMES)
    await hall.draw()
    report = await hall.verify()
    print(chr(10).join(report.lines()))
    assert [rank for _, rank in await hall.ranks()] == list(range(1, 10))
