"""Where the checkout, or the installed packages, lie."""

import os
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
"""The folder that holds `server/`, from which children of ours import it."""


def import_path() -> str:
    """Return the `PYTHONPATH` of a child of ours, whose code need not be installed."""
    ours = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(PROJECT), ours] if ours else [str(PROJECT)])
