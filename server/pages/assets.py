"""The files of the pages, read once: what is sent, by which version, what needs what.

All files together have one version, which stands in their addresses: whoever has a page
has files that fit it and each other, and keeps them for good. A page of yesterday finds
those of today where its own are gone, which is right as long as names stay.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath
from typing import Final

from msgspec import Struct

from server.transport.http import etags

TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
}
"""What is served, by the ends of names."""

NOT_OURS: Final = frozenset({"docs", "redoc"})
"""Folders that the description of the interface serves."""

VERSION: Final = re.compile("[0-9a-f]{12}")

THEIRS: Final = "vendor/"
"""What others wrote is sent as it is."""

_REMARK: Final = {
    ".js": re.compile(
        r"^[ \t]*//[^\n]*$|^[ \t]*/\*(?:[^*]|\*(?!/))*\*/[ \t]*$"
        r"|/\*\* @(?:[^*\n]|\*(?!/))*\*/ ?",
        re.M,
    ),
    ".css": re.compile(r"/\*(?:[^*]|\*(?!/))*\*/"),
}
"""Comments on lines of their own, and types: a third of a file once it is packed."""

_IMPORT: Final = re.compile(r'^\s*(?:import|export|\}).*?\bfrom "(\.[^"]+)"', re.M)

_WORDS: Final = re.compile(r"await words\(([^)]*)\)")


class Asset(Struct, frozen=True):
    """One file as it is sent."""

    body: bytes
    content_type: str
    etag: str


def asset_of(body: bytes, content_type: str) -> Asset:
    """Return a file as it is sent."""
    return Asset(body, content_type, etags.of_body(body))


class Assets:
    """All files, by their paths below `server/pages/`."""

    def __init__(self, added: Mapping[str, Asset] | None = None) -> None:
        """Read the files of the package; `added` are there beside them."""
        self.files: dict[str, Asset] = dict(added or {})
        for path, file in _walk(files("server.pages"), ""):
            ending = path[path.rfind(".") :]
            kind = TYPES.get(ending)
            if kind is None:
                continue
            body = file.read_bytes()
            if ending in _REMARK and not path.startswith(THEIRS):
                body = _REMARK[ending].sub(_as_many_lines, body.decode()).encode()
            self.files[path] = asset_of(body, kind)
        parts = sorted((path, one.etag) for path, one in self.files.items())
        self.version: Final = sha256(repr(parts).encode()).hexdigest()[:12]
        self._modules: dict[str, list[str]] = {}

    def address(self, path: str) -> str:
        """Return where a file is, in this version."""
        return f"/assets/{self.version}/{path}"

    def modules_of(self, entry: str) -> list[str]:
        """Return a module and all that it imports at once, each of them once."""
        if entry in self._modules:
            return self._modules[entry]
        found: dict[str, None] = {}
        wanted = [entry]
        while wanted:
            path = wanted.pop()
            if path in found:
                continue
            found[path] = None
            text = self.files[path].body.decode()
            near = [
                normpath(join(dirname(path), name)) for name in _IMPORT.findall(text)
            ]
            wanted += reversed(near)
        self._modules[entry] = list(found)
        return self._modules[entry]

    def words_of(self, entry: str) -> dict[str, list[str]]:
        """Return by language the files of words that a module and its imports load."""
        wings = {"common": None}
        for path in self.modules_of(entry):
            for told in _WORDS.findall(self.files[path].body.decode()):
                wings |= dict.fromkeys(re.findall(r'"(\w+)"', told))
        common = re.compile(r"words/(\w+)/common\.js")
        languages = [one[1] for one in map(common.fullmatch, self.files) if one]
        return {
            language: [f"words/{language}/{wing}.js" for wing in wings]
            for language in sorted(languages)
        }


def _as_many_lines(remark: re.Match[str]) -> str:
    """Return nothing, on as many lines, so that errors name the lines of the source."""
    return "\n" * remark[0].count("\n")


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for one in folder.iterdir():
        name = f"{path}/{one.name}" if path else one.name
        if one.is_dir():
            if one.name not in NOT_OURS:
                yield from _walk(one, name)
        else:
            yield name, one
