"""What the programs that we start find in their environment: what is listed here.

Ours has secrets in it - keys, passwords, addresses with passwords - which a child hands
on to all that it starts itself, and which anybody of its account reads in `/proc`. So a
name gets through because it is needed, and not because nobody thought of it.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Final

PLAIN: Final = frozenset(
    {"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}
    | {"DYLD_LIBRARY_PATH", "SYSTEMROOT"}
)
"""Where programs, their libraries and temporary files are, and how words are told."""

PYTHON: Final = frozenset({"VIRTUAL_ENV"})
"""Needed besides by whatever is written in Python, with all that begins `PYTHON`."""

CONNECTIONS: Final = frozenset(
    {"SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CONFIG_HOME", "APPDATA"}
)
"""Needed besides by who connects to a database or a bus of somebody else's: whose word
is believed for certificates. The names that begin `PG` go with them, which say what an
address leaves out."""

_LOCALE: Final = "LC_"
_PYTHON: Final = "PYTHON"
_POSTGRES: Final = "PG"


def plain_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what any program of somebody else's may know, such as Postgres."""
    return _of(environment, PLAIN, (_LOCALE,))


def python_environment(
    environment: Mapping[str, str] = os.environ, *, connects: bool = True
) -> dict[str, str]:
    """Return what a child of our own code needs; `connects` where to others, too."""
    names, beginnings = PLAIN | PYTHON, (_LOCALE, _PYTHON)
    if connects:
        return _of(environment, names | CONNECTIONS, (*beginnings, _POSTGRES))
    return _of(environment, names, beginnings)


def _of(
    environment: Mapping[str, str], names: Iterable[str], beginnings: tuple[str, ...]
) -> dict[str, str]:
    known = frozenset(names)
    return {
        name: value
        for name, value in environment.items()
        if name in known or name.startswith(beginnings)
    }
