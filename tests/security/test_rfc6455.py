"""What RFC 6455 forbids a client ends its connection, with the code that it names."""

import msgspec
import pytest

from tests.security.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    JSON,
    MSGPACK,
    PING,
    TEXT,
    Raw,
    frame,
)

NOT_UTF8 = {
    "a byte that never is": b"\xff",
    "a surrogate": b"\xed\xa0\x80",
    "longer than it need be": b"\xc0\xaf",
    "beyond unicode": b"\xf4\x90\x80\x80",
    "cut short": "é".encode()[:1],
    "utf-16": '{"op":"ping","id":1}'.encode("utf-16"),
}
PING_OP = {"op": "ping", "id": 1}


async def closed_with(raw: Raw) -> int:
    """Read to the close frame; what comes before it says goodbye with the same code."""
    bye = None
    while True:
        opcode, payload = await raw.read()
        if opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big")
            assert bye is not None
            assert bye["op"] == "bye"
            assert bye["code"] == code
            assert await raw.rest() == b""
            return code
        bye = raw.decode(payload)


def good(protocol: str) -> bytes:
    if protocol == MSGPACK:
        return frame(BINARY, msgspec.msgpack.encode(PING_OP))
    return frame(TEXT, msgspec.json.encode(PING_OP))


@pytest.fixture(params=[JSON, MSGPACK])
async def raw(request, server, api):
    (buyer,) = await api.guests(1)
    raw = await Raw.open(server.url, buyer.token, request.param)
    yield raw
    raw.abort()


@pytest.mark.parametrize(
    "sent",
    [
        frame(TEXT, b'{"op":"ping","id":2}', mask=None),
        frame(BINARY, msgspec.msgpack.encode(PING_OP), mask=None),
        frame(TEXT, b" " * 2_000, mask=None),
        frame(PING, b"x", mask=None),
        frame(CLOSE, b"\x03\xe8", mask=None),
        frame(TEXT, b"{", fin=False) + frame(CONTINUATION, b"}", mask=None),
        frame(TEXT, b"{", fin=False) + frame(PING, mask=None),
    ],
    ids=["text", "binary", "long", "ping", "close", "continuation", "amid"],
)
async def test_an_unmasked_frame_closes_after_what_came_before_it(raw, sent):
    raw.send(good(raw.protocol) + sent)
    opcode, payload = await raw.read()
    assert opcode in (TEXT, BINARY)
    assert raw.decode(payload) == {"op": "ok", "id": 1}
    assert await closed_with(raw) == 1002


@pytest.mark.parametrize("name", NOT_UTF8)
@pytest.mark.parametrize("parts", [1, 2, 3])
async def test_text_that_is_not_utf8_closes(raw, name, parts):
    body = b'{"op":"hello","id":1,"token":"' + NOT_UTF8[name] + b'"}'
    cuts = [len(body) * part // parts for part in range(parts + 1)]
    for number in range(parts):
        part = body[cuts[number] : cuts[number + 1]]
        opcode = CONTINUATION if number else TEXT
        raw.send(frame(opcode, part, fin=number == parts - 1))
        raw.send(frame(PING)) if number < parts - 1 else None
    for _ in range(parts - 1):
        assert await raw.read() == (10, b"")
    assert await closed_with(raw) == 1007


async def test_a_character_cut_between_two_fragments_is_one(raw):
    if raw.protocol == MSGPACK:
        pytest.skip("text is not spoken there")
    body = '{"op":"hello","id":1,"token":"é"}'.encode()
    at = body.index(b"\xc3") + 1
    raw.send(frame(TEXT, body[:at], fin=False) + frame(CONTINUATION, body[at:]))
    _, payload = await raw.read()
    assert raw.decode(payload)["code"] == "unauthenticated"


async def test_text_that_is_utf8_but_no_frame_goes_on(raw):
    """Bytes of a binary frame are no text, whatever is in them."""
    raw.send(frame(TEXT, "grün".encode()), frame(BINARY, b"\xff\xfe"))
    for _ in range(2):
        _, payload = await raw.read()
        assert raw.decode(payload)["code"] == "bad_frame"


@pytest.mark.parametrize("code", [1004, 1005, 1006, 1015, 2999, 5_000, 65_535])
async def test_a_close_code_that_none_may_send_is_an_error(raw, code):
    raw.send(frame(CLOSE, code.to_bytes(2, "big")))
    assert await closed_with(raw) == 1002
