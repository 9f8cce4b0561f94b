"""What is wrong with a chart or a map that somebody sent."""

from msgspec import ValidationError


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


def explain(error: ValidationError) -> ChartError:
    """Turn msgspec's message, which ends in the path, into a `ChartError`."""
    message = str(error)
    detail, at, path = message.rpartition(" - at `$")
    if not at:
        return ChartError("", f"{message}.")
    return ChartError(path.rstrip("`").removeprefix("."), f"{detail}.")
