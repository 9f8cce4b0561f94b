"""Small charts in the published seats.io format, made up for these tests.

`playhouse` has sections, `supper` tables and booths, `aisles` rows that are hard to
follow, `tiny` just enough. `real` reads a chart that nobody of this project drew.
"""

import json
from pathlib import Path
from typing import Any

import pytest

NAMES = ("tiny", "playhouse", "supper", "aisles")
HERE = Path(__file__).parent
REAL = HERE.parents[2] / "shared" / "data"


def load(name: str) -> dict[str, Any]:
    """Return a fresh copy of one of our charts."""
    return _read(HERE / f"{name}.json")


def real(name: str) -> dict[str, Any]:
    """Return a chart of the real world, or skip the test where there is none."""
    path = REAL / f"{name}.chart.json"
    if not path.exists():
        pytest.skip(f"the {name}'s chart is not beside this repository")
    return _read(path)


def _read(path: Path) -> dict[str, Any]:
    chart: dict[str, Any] = json.loads(path.read_text())
    return chart
