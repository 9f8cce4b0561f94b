"""`python -m tests.browser`: all tests of pages, and photographs of each to look at."""

import argparse
import os
import sys
from pathlib import Path

import pytest

from tests.browser.chromium import MISSING, find_chromium

PICTURES = Path("build/pictures")
README = Path("docs/pictures")
HERE = "tests/browser"


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py pages", description=__doc__)
    parser.add_argument(
        "--pictures", type=Path, default=PICTURES, metavar="FOLDER", help="where to"
    )
    parser.add_argument(
        "--figures", action="store_true", help="only measure, and hold to what is asked"
    )
    parser.add_argument(
        "--readme", action="store_true", help="only take the README's pictures anew"
    )
    options, rest = parser.parse_known_args()
    if find_chromium() is None:
        sys.stderr.write(f"Nothing can be looked at: {MISSING}.\n")
        return 1
    folder = options.pictures.absolute()
    os.environ["ONSALE_TEST_PICTURES"] = str(folder)
    # Figures are of a quiet machine, and asked for by themselves.
    chosen = [HERE, f"--ignore={HERE}/test_figures.py"]
    if options.figures:
        chosen = [f"{HERE}/test_figures.py"]
    elif options.readme:
        os.environ["ONSALE_TEST_README"] = str(README.absolute())
        chosen = [f"{HERE}/test_readme_pictures.py"]
    status = int(pytest.main(["-m", "browser", *chosen, *rest]))
    if not (options.figures or options.readme):
        sys.stderr.write(f"The sheets of photographs: {folder}/sheet-*.png\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
