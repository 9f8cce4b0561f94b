"""Each worker of a run begins to collect somewhere else.

All collect all tests. Where nothing is compiled yet, as on a machine of CI, each would
compile every file at the same time as the others do; so each finds most of them done.
"""

from pathlib import Path

import pytest

PARTS = pytest.StashKey[list[str]]()
LARGE = "tests/server"
"""Is as large as all others together, so that its folders count for themselves."""


def parts_of(root: Path) -> list[str]:
    """Return what there is to collect, in one order for all workers."""
    tests, large = root / "tests", root / LARGE
    found = [path for path in (*tests.iterdir(), *large.iterdir()) if path != large]
    return sorted(
        path.relative_to(root).as_posix()
        for path in found
        if (path.is_dir() and path.name != "__pycache__") or path.match("test_*.py")
    )


def begin_elsewhere(config: pytest.Config, worker: int, workers: int) -> None:
    """Turn what a worker is to collect, if that is everything."""
    if config.args != config.getini("testpaths"):
        return
    parts = parts_of(config.rootpath)
    start = len(parts) * (worker % workers) // workers
    config.stash[PARTS] = parts
    config.args = parts[start:] + parts[:start]


def put_in_order(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring what was collected into the order that all workers have to agree on."""
    parts = config.stash.get(PARTS, [])
    places = {Path(part): place for place, part in enumerate(parts)}

    def place_of(item: pytest.Item) -> int:
        path = item.path.relative_to(config.rootpath)
        return next(
            places[parent] for parent in (path, *path.parents) if parent in places
        )

    if parts:
        items.sort(key=place_of)
