"""What a query asks for: which parameters, and their texts, choices and times."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from multidict import MultiMapping

from server.transport.http.problems import (
    BAD_FIELD,
    FieldError,
    ProblemError,
    bad_field,
)
from server.transport.rest.bodies import is_clean
from server.transport.rest.fields import read_time

Values = Mapping[str, str]

BOOLEANS: Final = {"true": True, "false": False}
FAULTS_MAX: Final = 10
"""How many wrong parameters are told of: each is compared with all that there are."""

NAME_LENGTH_MAX: Final = 64


def check_names(query: MultiMapping[str], known: Mapping[str, bool]) -> None:
    """Raise for parameters that a route does not have, or has once and gets twice.

    `known` says of each whether it may be given several times.
    """
    faults = []
    for name in dict.fromkeys(query):
        if name not in known:
            shown = name[:NAME_LENGTH_MAX]
            faults.append(FieldError(shown, _unknown(shown, known)))
        elif not known[name] and len(query.getall(name)) > 1:
            faults.append(FieldError(name, f"Give `{name}` once."))
        if len(faults) == FAULTS_MAX:
            break
    if faults:
        raise ProblemError(BAD_FIELD, faults[0].detail, errors=faults)


def _unknown(name: str, known: Mapping[str, bool]) -> str:
    said = f"There is no query parameter `{name}` here"
    if not known:
        return f"{said}; this address takes none."
    near = get_close_matches(name.lower(), known, n=1)
    if near:
        return f"{said}. Did you mean `{near[0]}`?"
    return f"{said}; there are {', '.join(f'`{one}`' for one in known)}."


def bool_of(query: Values, name: str) -> bool | None:
    """Return whether something is wanted; None where the query says nothing of it."""
    text = choice_of(query, name, tuple(BOOLEANS))
    return None if text is None else BOOLEANS[text]


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
