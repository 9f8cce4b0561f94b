"""What is wrong with a chart or a map that somebody sent."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


class ChartError(ValueError):
    """A chart or map that cannot be sold from.

    `field` is the path to the culprit inside the document, as in
    `subChart.rows[3].seats[2].label` (empty for the document as a whole), and `detail`
    a sentence for whoever drew it.
    """

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.field = field
        self.detail = detail


def convert(value: object, kind: type[T]) -> T:
    """Return a JSON value as `kind`; raises `ChartError` with the path to the culprit.

    The path is the end of msgspec's message.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        detail, at, path = str(error).rpartition(" - at `$")
        if not at:
            detail, path = path, ""
        raise ChartError(path.rstrip("`").removeprefix("."), f"{detail}.") from None
    except UnicodeEncodeError:
        # msgspec looks at the bytes of a string before it knows what to do with it.
        raise ChartError("", "Contains half characters (lone surrogates).") from None
