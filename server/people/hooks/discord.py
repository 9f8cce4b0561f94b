"""A message as Discord shows it: words, and no mention of anybody.

What people wrote is in it, so nothing of it may call a channel, make a link look like
another, or begin a format that hides the rest.
"""

import re
from typing import Any, Final

import msgspec

CONTENT_MAX: Final = 2_000
TITLE_MAX: Final = 256
TEXT_MAX: Final = 4_000
FIELDS_MAX: Final = 25
VALUE_MAX: Final = 1_000

_FORMAT: Final = re.compile(r"([\\`*_~|>\[\]()#<-])")
_BLANK: Final = "\u200b"
"""No width, and yet between: `@` with it calls nobody."""


class Embed(msgspec.Struct, omit_defaults=True):
    """A framed part of a message of Discord."""

    title: str
    description: str = ""
    timestamp: str = ""
    fields: list[dict[str, Any]] = []


class Shown(msgspec.Struct):
    """A message of Discord. Nobody is mentioned, whatever it says."""

    content: str
    embeds: list[Embed]
    allowed_mentions: dict[str, list[str]]


class _Body(msgspec.Struct):
    type: str
    timestamp: str
    data: dict[str, Any]


_decode = msgspec.json.Decoder(_Body).decode


def shaped(body: str) -> bytes:
    """Return a message of ours as Discord takes it."""
    told = _decode(body)
    data = dict(told.data)
    title, text = data.pop("subject", None), data.pop("text", None)
    embed = Embed(
        title=_cut(disarmed(str(title or told.type)), TITLE_MAX),
        description=_cut(disarmed(str(text or "")), TEXT_MAX),
        timestamp=told.timestamp,
        fields=[
            {
                "name": name,
                "value": _cut(disarmed(str(value)), VALUE_MAX),
                "inline": True,
            }
            for name, value in data.items()
            if value is not None and value != ""
        ][:FIELDS_MAX],
    )
    content = _cut(f"{told.type}: {disarmed(str(title or ''))}", CONTENT_MAX)
    return msgspec.json.encode(Shown(content.rstrip(": "), [embed], {"parse": []}))


def disarmed(text: str) -> str:
    """Return what somebody wrote so that it is only words."""
    escaped = _FORMAT.sub(r"\\\1", text)
    return escaped.replace("@", f"@{_BLANK}").replace("://", f":{_BLANK}//")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
