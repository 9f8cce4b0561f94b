"""What may be said to a line: plain text, not too long, in languages that can be."""

import msgspec
import pytest

from server.events.line.messages.rest import LANGUAGES_MAX, LineMessageBody

_decode = msgspec.json.Decoder(LineMessageBody).decode


def body(text, **texts):
    return msgspec.json.encode({"text": text, "texts": texts})


def test_what_is_said_is_text_as_it_was_written():
    said = _decode(body("x" * 500, de="Später.\nViel später."))
    assert (len(said.text), said.texts["de"]) == (500, "Später.\nViel später.")
    assert _decode(b'{"text": "Later."}').texts == {}
    most = {f"l{number}": "Later." for number in range(LANGUAGES_MAX)}
    assert _decode(body("Later.", **most)).texts == most


@pytest.mark.parametrize(
    "wrong",
    [
        body(""),
        body(" "),
        body("x" * 501),
        body("a\u0000b"),
        body("Later.", de=""),
        body("Later.", d="Später."),
        body("Later.", d_e="Später."),
        body("Later.", **{f"l{number}": "x" for number in range(LANGUAGES_MAX + 1)}),
    ],
)
def test_what_nobody_could_read_is_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        _decode(wrong)
