"""What a query asks for: texts, choices and times, checked."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from server.transport.http.problems import bad_field
from server.transport.rest.bodies import is_clean
from server.transport.rest.fields import read_time

Values = Mapping[str, str]


def text_of(query: Values, name: str, length_max: int) -> str | None:
    """Return a text that is not empty; None where the query has none."""
    text = query.get(name)
    if text is not None and not (0 < len(text) <= length_max and is_clean(text)):
        raise bad_field(name, f"1 to {length_max} plain characters.")
    return text


def choice_of(query: Values, name: str, possible: Sequence[str]) -> str | None:
    """Return one of a few words; None where the query has none."""
    text = query.get(name)
    if text is not None and text not in possible:
        raise bad_field(name, f"One of {', '.join(possible)}.")
    return text


def time_of(query: Values, name: str) -> datetime | None:
    """Return a time with its offset; None where the query has none."""
    text = query.get(name)
    return None if text is None else read_time(name, text)
