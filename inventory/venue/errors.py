"""What is wrong with a chart or a map that somebody sent: all of it at once."""

import re
import types
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from inventory import limits

T = TypeVar("T")

# Postgres stores no U+0000, UTF-8 encodes no lone surrogate, and the other control
# characters only ever hide in a label by mistake.
UNSAFE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_HALVES = re.compile("[\ud800-\udfff]")
_HALF_CHARACTERS = "Contains half characters (lone surrogates)."
_BLANKS: dict[Any, Any] = {str: "", int: 0, float: 0.0, bool: False, list: [], dict: {}}


class Fault(NamedTuple):
    """One thing that is wrong.

    `field` is the path to it inside the document, as in `subChart.rows.3.seats.2.label`
    (empty for the document as a whole), and `detail` a sentence for whoever drew it.
    """

    field: str
    detail: str


class ChartError(ValueError):
    """A chart or map that cannot be sold from, with its faults, of which there is one.

    Where there are `limits.FAULTS_LISTED_MAX`, there may be more.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        field, detail = faults[0]
        super().__init__(f"{field}: {detail}" if field else detail)
        self.faults = list(faults)


class Faults:
    """Collects what is wrong with one document."""

    def __init__(self) -> None:
        self._found: dict[str, Fault] = {}
        self._blank: set[str] = set()
        self._broken: set[str] = set()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, path: str, detail: str) -> None:
        """Note a fault, unless it only follows from one that is noted already.

        That is one at the same place, a blank value around it or one inside it. Raises
        `ChartError` once there are as many as are listed.
        """
        around = {path, *_around(path)}
        if path in self._found or path in self._broken or around & self._blank:
            return
        self._found[path] = Fault(path, detail)
        if len(self._found) == limits.FAULTS_LISTED_MAX:
            self.check()

    def add_broken(self, path: str, detail: str) -> None:
        """Note a value that is of another kind; a blank one stands in its place."""
        self.add(path, detail)
        self._blank.add(path)
        self._broken.update((path, *_around(path)))

    def is_broken(self, path: str) -> bool:
        """Return whether a blank value stands here, or somewhere inside."""
        return path in self._broken

    def is_blank(self, path: str) -> bool:
        """Return whether a blank value stands exactly here."""
        return path in self._blank

    def check(self) -> None:
        """Raise `ChartError` where anything is wrong."""
        if self._found:
            raise ChartError(list(self._found.values()))


def convert(value: object, kind: type[T], faults: Faults) -> T:
    """Return a JSON value as `kind`, with blanks for what is of another kind in it."""
    result: T = _read(value, kind, "", faults)
    return result


def below(path: str, step: str | int) -> str:
    """Return the path one step further inside."""
    return f"{path}.{step}" if path else str(step)


def _around(path: str) -> Iterator[str]:
    """Return the paths of what a place is in, the document as the last."""
    while path:
        path = path.rpartition(".")[0]
        yield path


def _read(value: object, kind: Any, path: str, faults: Faults) -> Any:
    # What is well is read at once; only what is not is taken apart.
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        inner = _container(kind)
        origin = get_origin(inner) or inner
        if origin is list and isinstance(value, list):
            (item,) = get_args(inner)
            steps = enumerate(value)
            return [_read(one, item, below(path, i), faults) for i, one in steps]
        if isinstance(value, dict):
            if origin is dict:
                item = get_args(inner)[1]
                return {
                    key: _read(one, item, _step(path, key), faults)
                    for key, one in value.items()
                }
            if isinstance(inner, type) and issubclass(inner, Struct):
                return _read_struct(value, inner, path, faults)
        faults.add_broken(path, _words(error))
        return _blank(kind)


def _read_struct(
    value: dict[str, Any], kind: type[Struct], path: str, faults: Faults
) -> Struct:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key in value:
        if _HALVES.search(key):
            faults.add_broken(path, _HALF_CHARACTERS)
        elif kind.__struct_config__.forbid_unknown_fields and key not in fields:
            near = get_close_matches(key, fields, 1)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            faults.add(_step(path, key), f"There is no such field{hint}.")
    read: dict[str, Any] = {}
    for name, field in fields.items():
        if name in value:
            read[field.name] = _read(value[name], field.type, below(path, name), faults)
        elif field.required:
            faults.add_broken(below(path, name), "This is missing.")
            read[field.name] = _blank(field.type)
    return kind(**read)


def _container(kind: Any) -> Any:
    """Return the list, dict or struct that a type is, if need be beside None."""
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = [one for one in get_args(kind) if one is not type(None)][:1]
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _step(path: str, key: str) -> str:
    """Return the path to a key of somebody, or to its object where it is bad."""
    readable = len(key) <= limits.LABEL_LENGTH_MAX and not UNSAFE.search(key)
    return below(path, key) if readable else path


def _words(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        # msgspec looks at the bytes of a string before it knows what to do with it.
        return _HALF_CHARACTERS
    return f"{str(error).partition(' - at `$')[0]}."


def _blank(kind: Any) -> Any:
    """Return some value of a type."""
    if get_origin(kind) in (Union, types.UnionType):
        inner = get_args(kind)
        return None if type(None) in inner else _blank(inner[0])
    if get_origin(kind) is Annotated:
        return _blank(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Struct):
        fields = msgspec.structs.fields(kind)
        return kind(**{one.name: _blank(one.type) for one in fields if one.required})
    return _BLANKS[get_origin(kind) or kind]
