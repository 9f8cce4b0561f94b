import pytest

from persistence.errors import reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (OSError("Multiple exceptions: one, two"), "Multiple exceptions: one, two"),
        (TimeoutError(), "no answer in time"),
        (ValueError("first line\nDETAIL: the rest"), "first line"),
        (ValueError(), "ValueError"),
    ],
    ids=["errno", "plain", "timeout", "lines", "empty"],
)
def test_every_error_has_one_line_for_people(error, reason):
    assert reason_of(error) == reason
