"""Where the checkout, or the installed packages, lie."""

from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
"""The folder that holds `server/`, from which children of ours import it."""
