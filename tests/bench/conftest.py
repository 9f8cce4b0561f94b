"""Which miniatures of benchmarks are too long for every run."""

import pytest

LONG = ("test_lasting.py", "test_lines.py", "test_scenarios.py")
WHOLLY_LONG = ("test_on_sale.py",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark those that start servers; what only computes runs always."""
    for item in items:
        starts = "lab" in getattr(item, "fixturenames", ())
        name = item.path.name
        if name in WHOLLY_LONG or (name in LONG and starts):
            item.add_marker(pytest.mark.campaign)
