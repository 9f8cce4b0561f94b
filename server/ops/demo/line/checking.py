"""The transcript of the demo's line, and the command by which anybody checks it."""

import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Final

import msgspec

from server.ops.demo.admin_client import TIMEOUT_S, AdminClientError, RestClient
from server.ops.demo.children import child_environment
from server.ops.demo.line.reports import Final as Told

CHECKED_S: Final = 300
TRANSCRIPT: Final = "transcript.ndjson"
KEY: Final = "receipt-key.json"
WITNESS: Final = "witness.json"
PLACE: Final = "place"


class Evidence:
    """What somebody has who checks a line: files in a folder, and a command."""

    def __init__(self, url: str, event: str, chain: str, folder: Path) -> None:
        self._url = url
        self._line = f"/v1/events/{event}/line"
        self._chain = chain
        self._folder = folder
        self._arguments: list[str] = []

    def collect(self, told: Told) -> None:
        """Save transcript, key, witness and a place. Raises `AdminClientError`."""
        asks = RestClient(self._url)
        self._save(KEY, msgspec.json.encode(asks.call("GET", "/v1/receipt-key")))
        self._save(TRANSCRIPT, self._fetch(f"{self._line}/transcript"))
        arguments = [str(self._folder / TRANSCRIPT), "--key", str(self._folder / KEY)]
        arguments += ["--chain", self._chain]
        if told.fixed is not None:
            witness = {"arrived_ms": told.arrived_ms, "frame": told.fixed}
            self._save(WITNESS, msgspec.json.encode(witness))
            arguments += ["--witness", str(self._folder / WITNESS)]
        if told.place is not None:
            self._save(PLACE, told.place.encode())
            arguments += ["--place", str(self._folder / PLACE)]
        self._arguments = arguments

    def commands(self) -> list[str]:
        """Return what to type to do the same."""
        fetched = shlex.quote(str(self._folder / TRANSCRIPT))
        return [
            f"curl -s -o {fetched} {self._url}{self._line}/transcript",
            shlex.join([*program(), "verify", *self._arguments]),
        ]

    def verify(self) -> tuple[str, list[str]]:
        """Run that command, apart from the server; return its output and problems."""
        done = subprocess.run(
            [*program(), "verify", *self._arguments],
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=CHECKED_S,
            check=False,
        )
        output = (done.stdout + done.stderr).strip()
        if done.returncode:
            return output, [f"`onsale verify` ended with {done.returncode}."]
        return output, []

    def _save(self, name: str, text: bytes) -> None:
        (self._folder / name).write_bytes(text)

    def _fetch(self, path: str) -> bytes:
        try:
            with urllib.request.urlopen(self._url + path, timeout=TIMEOUT_S) as answer:
                text: bytes = answer.read()
        except OSError as error:
            raise AdminClientError(f"GET {path}: {error}") from error
        return text


def program() -> list[str]:
    """Return how `onsale` is called here: as it is installed beside this Python."""
    installed = Path(sys.executable).with_name("onsale")
    if installed.is_file():
        return [str(installed)]
    return [sys.executable, "-m", "server"]


def read_chain(line: str) -> tuple[str, str]:
    """Return the address and the chain of a beacon, out of what it says when ready."""
    words: list[Any] = line.replace(",", "").split()
    return words[words.index("at") + 1], words[-1]
