"""Stored data of former versions, as bytes that their own code wrote.

Whatever is written here stays readable: journals, snapshots, settings, outcomes of
keyed commands. A file is made once, by the code that it is of, and never again.

`before_prices`: a sale with every kind of change, on the small hall of
`tests/scenario.py`, by the code of 2026-11 whose holds did not keep their prices. The
price of category 1 went from 45 to 99 EUR between the hold h1 and its booking b2.

`before_the_line`: a journal, and a snapshot of format 1, with a pledge, networks and a
hold that ran out, by the code of 2026-11 that knew no line.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def stored(name: str) -> Any:
    """Return a file's content; bytes are hexadecimal in it."""
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
