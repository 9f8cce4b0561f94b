"""What is wrong with a document that somebody sent: all of it at once.

A body, a frame, a map, a chart: read by its type, with blanks where it is wrong, so
that what is beside a fault is judged all the same.
"""

import re
import types
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec
from msgspec import UNSET, Struct, UnsetType

from inventory import limits
from inventory.words import HALF_CHARACTERS, length_fault, words_for

T = TypeVar("T")

# Postgres stores no U+0000, UTF-8 encodes no lone surrogate, and the other control
# characters only ever hide in a label by mistake.
UNSAFE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_HALVES = re.compile("[\ud800-\udfff]")
TOLD_MAX = 10
"""How many faults are told in one text; lists have more."""

_BLANKS: dict[Any, Any] = {
    str: "",
    int: 0,
    float: 0.0,
    bool: False,
    list: [],
    tuple: (),
    dict: {},
    datetime: datetime(2000, 1, 1, tzinfo=UTC),
    Any: None,
}


class Fault(NamedTuple):
    """One thing that is wrong.

    `field` is the path to it inside the document, as in `subChart.rows.3.seats.2.label`
    (empty for the document as a whole), and `detail` a sentence for whoever sent it.
    """

    field: str
    detail: str


class FaultyError(ValueError):
    """A document that cannot be taken, with its faults, of which there is one.

    Where there are `limits.FAULTS_LISTED_MAX`, there may be more.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        field, detail = faults[0]
        super().__init__(f"{field}: {detail}" if field else detail)
        self.faults = list(faults)


class Faults:
    """Collects what is wrong with one document."""

    error: type[FaultyError] = FaultyError

    def __init__(self) -> None:
        self._found: dict[str, Fault] = {}
        self._blank: set[str] = set()
        self._broken: set[str] = set()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, path: str, detail: str) -> None:
        """Note a fault, unless it only follows from one that is noted already.

        That is one at the same place, a blank value around it or one inside it. Raises
        `FaultyError` once there are as many as are listed.
        """
        if self.is_faulty(path):
            return
        self._found[path] = Fault(path, detail)
        if len(self._found) == limits.FAULTS_LISTED_MAX:
            self.check()

    def add_broken(self, path: str, detail: str) -> None:
        """Note a value that is of another kind; a blank one stands in its place."""
        self.add(path, detail)
        self._blank.add(path)
        self._broken.update((path, *_around(path)))

    def all(self) -> list[Fault]:
        """Return what was found, in order."""
        return list(self._found.values())

    def is_faulty(self, path: str) -> bool:
        """Return whether what is here is wrong, or stands in for something wrong."""
        around = {path, *_around(path)}
        return path in self._found or path in self._broken or bool(around & self._blank)

    def is_broken(self, path: str) -> bool:
        """Return whether a blank value stands here, or somewhere inside."""
        return path in self._broken

    def is_blank(self, path: str) -> bool:
        """Return whether a blank value stands exactly here."""
        return path in self._blank

    def check(self) -> None:
        """Raise `FaultyError` where anything is wrong."""
        if self._found:
            raise self.error(self.all())


def convert(value: object, kind: type[T], faults: Faults) -> T:
    """Return a JSON value as `kind`, with blanks for what is of another kind in it."""
    result: T = _read(value, kind, "", faults)
    return result


def below(path: str, step: str | int) -> str:
    """Return the path one step further inside."""
    return f"{path}.{step}" if path else str(step)


def summary(faults: Sequence[Fault]) -> str:
    """Return the first faults as one text, and how many more there are."""
    told = [f"{field}: {detail}" if field else detail for field, detail in faults]
    more = len(told) - TOLD_MAX
    if more > 0:
        told[TOLD_MAX:] = [f"And {more} more."]
    return " ".join(told)


def _around(path: str) -> Iterator[str]:
    """Return the paths of what a place is in, the document as the last."""
    while path:
        path = path.rpartition(".")[0]
        yield path


def _read(value: object, kind: Any, path: str, faults: Faults) -> Any:
    # What is well is read at once; only what is not is taken apart.
    try:
        return msgspec.convert(value, kind)
    except UnicodeEncodeError:
        # msgspec looks at the bytes of a string before it knows what to do with it.
        detail = HALF_CHARACTERS
    except msgspec.ValidationError:
        detail = words_for(kind, value)
    before = len(faults)
    length = length_fault(kind, value)
    if length is not None:
        faults.add(path, length)
    read = _read_inside(value, _container(kind, value), path, faults)
    if len(faults) > before or faults.is_broken(path):
        return read
    faults.add_broken(path, detail)
    return _blank(kind)


def _read_inside(value: Any, kind: Any, path: str, faults: Faults) -> Any:
    """Read a list, an object or a struct part by part; what is none is not read."""
    origin = get_origin(kind) or kind
    if isinstance(value, list) and origin in (list, tuple):
        item = get_args(kind)[0]
        steps = enumerate(value)
        return origin([_read(one, item, below(path, i), faults) for i, one in steps])
    if isinstance(value, dict) and not all(isinstance(name, str) for name in value):
        # MessagePack has them.
        faults.add_broken(path, "A name in it is no text.")
        return _blank(kind)
    if isinstance(value, dict) and origin is dict:
        name, item = get_args(kind)
        for key in value:
            _check_name(key, name, path, faults)
        return {
            key: _read(one, item, inside(path, key), faults)
            for key, one in value.items()
        }
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, Struct):
        return _read_struct(value, kind, path, faults)
    return None


def _check_name(name: str, kind: Any, path: str, faults: Faults) -> None:
    """Note what is wrong with a name in an object, at the object: it has no path."""
    try:
        msgspec.convert(name, kind)
    except UnicodeEncodeError:
        faults.add(path, f"A name in it: {HALF_CHARACTERS}")
    except msgspec.ValidationError:
        faults.add(path, f"A name in it: {words_for(kind, name)}")


def _read_struct(
    value: dict[str, Any], kind: type[Struct], path: str, faults: Faults
) -> Struct:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    config = kind.__struct_config__
    for key in value:
        if _HALVES.search(key):
            faults.add_broken(path, HALF_CHARACTERS)
        elif (
            config.forbid_unknown_fields
            and key not in fields
            and key != config.tag_field
        ):
            near = get_close_matches(key, fields, 1)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            faults.add(inside(path, key), f"There is no such field{hint}.")
    read: dict[str, Any] = {}
    for name, field in fields.items():
        if name in value:
            read[field.name] = _read(value[name], field.type, below(path, name), faults)
        elif field.required:
            faults.add_broken(below(path, name), "This is missing.")
            read[field.name] = _blank(field.type)
    return kind(**read)


def _container(kind: Any, value: object) -> Any:
    """Return the list, dict or struct in a type that a value may be meant as."""
    if get_origin(kind) is Annotated:
        return _container(get_args(kind)[0], value)
    if get_origin(kind) not in (Union, types.UnionType):
        return kind
    sorts = (list, tuple) if isinstance(value, list) else (dict, Struct)
    options = [_container(one, value) for one in get_args(kind)]
    for one in options:
        origin = get_origin(one) or one
        if isinstance(origin, type) and issubclass(origin, sorts):
            return one
    return None


def inside(path: str, key: str) -> str:
    """Return the path to a key of somebody, or to its object where it is bad."""
    readable = len(key) <= limits.LABEL_LENGTH_MAX and not UNSAFE.search(key)
    return below(path, key) if readable else path


def _blank(kind: Any) -> Any:
    """Return some value of a type."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = get_args(kind)
        if UnsetType in inner:
            return UNSET
        return None if type(None) in inner else _blank(inner[0])
    if origin in (Annotated, Literal):
        first = get_args(kind)[0]
        return first if origin is Literal else _blank(first)
    if isinstance(kind, type) and issubclass(kind, Struct):
        fields = msgspec.structs.fields(kind)
        return kind(**{one.name: _blank(one.type) for one in fields if one.required})
    return _BLANKS[origin or kind]
