"""The browser that the tests look through: found on the machine, never fetched."""

import os
import shutil
from collections.abc import Mapping

VARIABLE = "TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = f"no Chromium here: {VARIABLE} may name one, else it is on the PATH"


def find_chromium(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of a Chromium: the one that is told, else one on the PATH."""
    told = environment.get(VARIABLE)
    if told:
        return told
    found = (shutil.which(name, path=environment.get("PATH")) for name in NAMES)
    return next((path for path in found if path), None)


def arguments() -> list[str]:
    """Return what it is started with besides what Playwright says."""
    # Its sandbox refuses to start for root, as whom machines of CI run.
    return ["--no-sandbox"] if os.geteuid() == 0 else []
