"""What a value should have been and was not, in words for people.

Types say what may be sent; this reads them out: kinds, bounds, lengths, allowed values.
"""

from functools import lru_cache
from typing import Any, Final

from msgspec import inspect

from inventory.names import NAME_PATTERN, NO_NAME, NO_TEXT, NOTE_PATTERN, TEXT_PATTERN

HALF_CHARACTERS: Final = "Contains half characters (lone surrogates)."

CURRENCY_PATTERN: Final = "^[A-Z]{3}$"

_Node = inspect.Type
_WORDS: Final[dict[type[_Node], tuple[str, tuple[type, ...]]]] = {
    inspect.NoneType: ("null", (type(None),)),
    inspect.BoolType: ("true or false", (bool,)),
    inspect.IntType: ("a whole number", (int,)),
    inspect.FloatType: ("a number", (int, float)),
    inspect.StrType: ("text", (str,)),
    inspect.DateTimeType: (
        "an RFC 3339 time with an offset, as in 2026-12-31T19:00:00Z",
        (str,),
    ),
    inspect.ListType: ("a list", (list,)),
    inspect.VarTupleType: ("a list", (list,)),
    inspect.DictType: ("an object", (dict,)),
    inspect.StructType: ("an object", (dict,)),
}
"""Each kind of type: what it is called, and what JSON values are of that kind."""
_SENT: Final[dict[type, str]] = {
    type(None): "null",
    bool: "true or false",
    int: "a whole number",
    float: "a decimal number",
    str: "text",
    list: "a list",
    dict: "an object",
}
_ITEMS: Final[dict[type[_Node], str]] = {
    inspect.StrType: "characters",
    inspect.ListType: "items",
    inspect.VarTupleType: "items",
    inspect.DictType: "fields",
}
_PATTERNS: Final = {
    NAME_PATTERN: NO_NAME,
    TEXT_PATTERN: NO_TEXT,
    NOTE_PATTERN: NO_TEXT,
    CURRENCY_PATTERN: "Expected three capital letters, as in EUR.",
}


def words_for(kind: Any, value: object) -> str:
    """Return why a JSON value, which does not fit a type, is not what it should be."""
    expected = _alternatives(kind)
    for node in expected:
        if _is_kind(node, value):
            return _misfit(node, value)
    names = [_name(node) for node in expected]
    # What may be left out is last.
    names.sort(key=lambda name: name == "null")
    wanted = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"Expected {wanted}, got {_SENT.get(type(value), 'something else')}."


def length_fault(kind: Any, value: object) -> str | None:
    """Return what is wrong with the length of a list or an object; None for nothing."""
    if not isinstance(value, list | dict):
        return None
    for node in _alternatives(kind):
        if _is_kind(node, value) and type(node) in _ITEMS:
            return _length_fault(node, len(value))
    return None


@lru_cache(maxsize=1024)
def _alternatives(kind: Any) -> tuple[_Node, ...]:
    """Return what a type allows, without names for it."""
    return tuple(_flat(inspect.type_info(kind)))


def _flat(node: _Node) -> list[_Node]:
    if isinstance(node, inspect.Metadata):
        return _flat(node.type)
    if isinstance(node, inspect.UnionType):
        return [one for part in node.types for one in _flat(part)]
    return [node]


def _is_kind(node: _Node, value: object) -> bool:
    if isinstance(node, inspect.LiteralType):
        return type(value) in {type(one) for one in node.values}
    return type(node) in _WORDS and type(value) in _WORDS[type(node)][1]


def _name(node: _Node) -> str:
    if isinstance(node, inspect.LiteralType):
        return f"one of {', '.join(str(one) for one in node.values)}"
    return _WORDS[type(node)][0] if type(node) in _WORDS else "something else"


def _misfit(node: _Node, value: Any) -> str:
    """Return what is wrong with a value that is of the right kind."""
    if isinstance(node, inspect.IntType | inspect.FloatType):
        return f"Expected {_name(node)}{_bounds(node.ge, node.le)}."
    if type(node) in _ITEMS:
        fault = _length_fault(node, len(value))
        if fault is not None and getattr(node, "pattern", None) != CURRENCY_PATTERN:
            return fault
    if isinstance(node, inspect.StrType) and node.pattern is not None:
        return _PATTERNS.get(node.pattern, f"Does not match {node.pattern}.")
    return f"Expected {_name(node)}."


def _length_fault(node: Any, length: int) -> str | None:
    least, most = node.min_length, node.max_length
    if (least or 0) <= length and (most is None or length <= most):
        return None
    if least is not None and least == most:
        size = str(least)
    elif most is None:
        size = f"at least {least}"
    else:
        size = f"{least} to {most}" if least else f"at most {most}"
    return f"Expected {_name(node)} of {size} {_ITEMS[type(node)]}, got {length}."


def _bounds(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least} to {most}"
    if least is not None:
        return f", at least {least}"
    return "" if most is None else f", at most {most}"
