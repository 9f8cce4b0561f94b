"""What a codec decodes is text where its frames are text."""

import random

import pytest

from server.app import FRAMES
from server.live.fanout.frames import JSON, MSGPACK, FrameError, NotUtf8, is_utf8
from server.live.websocket.frame_table import FrameTable

DECODERS = FrameTable(FRAMES).decoders
SEED = 20261130
GOOD = (
    b'{"op":"ping","id":1}',
    b'{"op":"hold","id":1,"event":"evt_1","seats":["A-1"],"areas":{"GA1":2},"key":"k"}',
    b'{"op":"watch_events","id":3,"organisation":"o","events":["a","b"]}',
    b'{"op":"watch","event":"e","id":1,"since":{"history_id":"h","version":3}}',
    b'  {"op":"book","id":1,"event":"e","hold":"h","order":"o"}  ',
)
NO_TEXT = (b"\xff", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2")


def torn(dice: random.Random) -> bytes:
    """Put bytes that are no text somewhere into a good frame."""
    body = bytearray(dice.choice(GOOD))
    at = dice.randrange(len(body) + 1)
    body[at : at + dice.randrange(3)] = dice.choice(NO_TEXT)
    return bytes(body)


def test_no_frame_decodes_that_is_not_utf8() -> None:
    """Only what does not decode is looked at for it: a good frame costs no more."""
    dice = random.Random(SEED)
    for _ in range(20_000):
        body = torn(dice)
        assert not is_utf8(body)
        with pytest.raises(NotUtf8):
            DECODERS[JSON].decode(body)


@pytest.mark.parametrize("body", [b'{"op":"\xff"}', b"\xa5gr\xfcn"])
def test_a_binary_frame_is_no_text(body: bytes) -> None:
    with pytest.raises(FrameError):
        DECODERS[MSGPACK].decode(body)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_text_of_another_encoding_is_no_frame(encoding: str) -> None:
    with pytest.raises(FrameError) as raised:
        DECODERS[JSON].decode(GOOD[0].decode().encode(encoding))
    assert raised.value.code == "bad_frame"
