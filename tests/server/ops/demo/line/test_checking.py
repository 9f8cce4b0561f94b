"""What the demo does with its transcript, without a line."""

import shlex
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from server.ops.demo.line import checking
from server.ops.demo.line.checking import Evidence, read_chain
from tests.server.ops.demo.line.test_command import FINAL


class Asked:
    """A server that has a key, and no more."""

    def __init__(self, url: str) -> None:
        assert url == "http://there"

    def call(self, method: str, path: str) -> dict[str, Any]:
        assert (method, path) == ("GET", "/v1/receipt-key")
        return {"algorithm": "Ed25519", "key_id": "0" * 16, "public_key": "0" * 64}


def evidence(tmp_path: Path, monkeypatch: Any, transcript: bytes) -> Evidence:
    monkeypatch.setattr(checking, "RestClient", Asked)
    monkeypatch.setattr(Evidence, "_fetch", lambda self, path: transcript)
    made = Evidence("http://there", "evt", "ab12", tmp_path)
    made.collect(replace(FINAL, place="0" * 32))
    return made


def test_a_transcript_that_is_none_is_a_problem(
    tmp_path: Path, monkeypatch: Any
) -> None:
    output, problems = evidence(tmp_path, monkeypatch, b"{}\n").verify()
    assert problems == ["`onsale verify` ended with 2."]
    assert output


def test_what_is_printed_names_every_file_that_was_saved(
    tmp_path: Path, monkeypatch: Any
) -> None:
    fetch, check = evidence(tmp_path, monkeypatch, b"{}\n").commands()
    assert fetch.endswith("http://there/v1/events/evt/line/transcript")
    named = {Path(word).name for word in shlex.split(check) if word.startswith("/")}
    saved = {path.name for path in tmp_path.iterdir()}
    assert saved <= named
    assert saved == {"transcript.ndjson", "receipt-key.json", "place"}
    assert "--chain ab12" in check


def test_address_and_chain_are_what_the_beacon_says_when_ready() -> None:
    said = "onsale beacon is ready at http://127.0.0.1:81, chain ab12"
    assert read_chain(said) == ("http://127.0.0.1:81", "ab12")
