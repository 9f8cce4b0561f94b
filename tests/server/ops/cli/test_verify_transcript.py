"""The command as one types it: a file, and no server, no database, no network."""

import gzip
import json
import subprocess
import sys
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any

import pytest

from server.base.paths import import_path
from server.events.line.verify.report import Broken
from server.events.line.verify.source import Source
from server.ops.cli.verify import verify
from tests.server.events.line.verify.bending import (
    OUT_MS,
    PUBLIC,
    WHOLE,
    Json,
    bent,
    ends_early,
    of,
    set_in,
    whole,
)
from tests.server.events.line.verify.test_checker_holders import frame, place

NO_LIBRARY = "raise ImportError('it is not installed')\n"


def onsale(
    *arguments: object, given: bytes | None = None, path: Path | None = None
) -> tuple[int, list[str]]:
    """Run the command where nothing of a server is set, and say what it told."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "server", "verify", *map(str, arguments)],
        env={
            "PYTHONPATH": import_path() if path is None else f"{path}:{import_path()}"
        },
        cwd="/",
        input=given,
        capture_output=True,
    )
    errors = done.stderr.decode()
    assert "Traceback" not in errors, errors
    told = done.stdout.decode().splitlines()
    return done.returncode, told or [errors]


def saved(folder: Path, content: bytes, name: str = "line.ndjson") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_whole_line_is_whole_with_all_that_one_may_have(tmp_path):
    transcript = saved(tmp_path, gzip.compress(WHOLE), "line.ndjson.gz")
    key = saved(
        tmp_path,
        json.dumps(
            {
                "key_id": "24f6ed6acbfe1009",
                "algorithm": "Ed25519",
                "public_key": PUBLIC,
            }
        ).encode(),
        "key.json",
    )
    witness = saved(
        tmp_path,
        json.dumps({"arrived_ms": OUT_MS - 1, "frame": frame()}).encode(),
        "witness.json",
    )
    own = saved(tmp_path, f"{place()}\n".encode(), "place.txt")
    status, told = onsale(
        transcript,
        *("--key", key, "--witness", witness, "--place", own, "--strict"),
    )
    assert (status, told[-1]) == (0, "whole")
    assert "ok place: rank 2 of 11, entrant, done" in told
    assert "ok witness: the list was told as the transcript has it, and in time" in told
    assert told[1] == "ok signature: signed under the given key, 24f6ed6acbfe1009"


def test_a_line_from_standard_input_that_was_changed_is_broken():
    made = b"".join(bent(set_in("turn", rank=3)))
    status, told = onsale("-", "--key", PUBLIC, given=made)
    assert (status, told[-1]) == (1, "broken")
    assert any(line.startswith("BAD turns: ") for line in told)


def test_without_the_library_all_else_is_checked(tmp_path):
    saved(tmp_path, NO_LIBRARY.encode(), "py_arkworks_bls12381.py")
    transcript = saved(tmp_path, WHOLE)
    status, told = onsale(transcript, path=tmp_path)
    assert (status, told[-1]) == (0, "whole, beacon not checked")
    assert "open beacon: beacon not checked" in told
    assert onsale(transcript, "--strict", path=tmp_path)[0] == 1
    signature = of(whole(), "drawn")["signature"]
    answer = saved(
        tmp_path,
        json.dumps(
            {"round": 657_413, "randomness": "00", "signature": signature}
        ).encode(),
        "round.json",
    )
    status, told = onsale(transcript, "--beacon", answer, "--strict", path=tmp_path)
    assert (status, told[-1]) == (0, "whole")


@pytest.fixture
def said(tmp_path, capsys):
    """Run the command in this process, with a file of some content."""

    def run(content: bytes, **options: Any) -> tuple[int, str]:
        status = verify(str(saved(tmp_path, content)), **options)
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def test_a_line_that_is_not_drawn_is_nothing_to_check(said):
    status, told = said(b"".join(bent(ends_early("joins"))))
    assert (status, told.splitlines()[-1]) == (2, "nothing to check")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[1]\n",
        WHOLE.partition(b"\n")[2],
        WHOLE.replace(b"transcript 1", b"transcript 2", 1),
        b"\x1f\x8b and no more",
        gzip.compress(WHOLE)[:20],
        b"{" * 300_000,
    ],
    ids=range(9),
)
def test_what_is_no_transcript_is_nothing_to_check(said, content):
    status, told = said(content)
    assert status == 2
    assert told.startswith("onsale: ")


@pytest.mark.parametrize(
    "options",
    [
        {"key": "ab"},
        {"place": "nobody"},
        {"place": "/dev/null"},
        {"witness": Path("/nowhere")},
        {"beacon": Path("/dev/null")},
        {"witness": Path("/dev/null")},
        {"beacon": Path("/dev/zero")},
    ],
)
def test_what_cannot_be_used_is_said(said, options):
    status, told = said(WHOLE, **options)
    assert status == 2
    assert told.startswith("onsale: ")


def test_what_is_packed_and_cut_off_or_damaged_is_broken(said):
    # Stored, not packed, so that each byte of it is a byte of the transcript.
    packed = gzip.compress(WHOLE, compresslevel=0)
    for content in (packed[:-40], packed[:-6] + b"\0\0" + packed[-4:], packed + b"x"):
        status, told = said(content)
        assert (status, told.splitlines()[-1]) == (1, "broken"), told
        assert told.startswith("BAD form: ")


def test_what_is_shown_cannot_steer_a_terminal(said):
    def evil(records: list[Json]) -> None:
        of(records, "turn", 1)["category"] = "\x1b[2J"

    status, told = said(b"".join(bent(evil)))
    assert status == 1
    assert "\\x1b[2J" in told
    assert "\x1b" not in told


def opened(content: bytes) -> Source:
    return Source(BufferedReader(BytesIO(content)))


def test_lines_are_had_one_by_one():
    for content in (WHOLE, gzip.compress(WHOLE)):
        source = opened(content)
        assert source.first == WHOLE.partition(b"\n")[0] + b"\n"
        assert b"".join(source.lines()) == WHOLE
        assert opened(content).whole(1 << 20) == WHOLE
    assert len(opened(WHOLE).whole(1_000)) == 1_001


def test_what_is_unpacked_is_no_more_than_it_may_be(monkeypatch):
    monkeypatch.setattr("server.events.line.verify.source.BYTES_MAX", 5_000)
    source = opened(gzip.compress(WHOLE))
    with pytest.raises(Broken, match="too much"):
        list(source.lines())
    long = opened(b"x" * 300_000)
    with pytest.raises(Broken, match="too long"):
        list(long.lines())
