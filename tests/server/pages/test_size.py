"""How much a buyer's browser fetches, once, before it can buy."""

import gzip
import re

from server.pages.assets import Assets
from server.pages.serve import PAGES, STYLES

BYTES_MAX = 120 * 1024
NOT_BUYERS = ("/checkin", "/organise", "/admin")
LANGUAGE = "words/en/"
LATER = re.compile(r'\bimport\("\.[^"]+"\)')
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
"""Types in comments are named like what is fetched."""


def of_buyers(assets):
    """Name all scripts and styles of the pages of buyers, each once."""
    found = {path for path in assets.files if path.startswith(LANGUAGE)} | set(STYLES)
    for page in PAGES:
        if not page.addresses[0].startswith(NOT_BUYERS):
            found |= {*page.styles, *assets.modules_of(page.entry)}
    # What settings make is no file.
    return sorted(path for path in found if path in assets.files)


def test_the_scripts_and_styles_of_all_buyers_pages_are_120_kib_at_most():
    assets = Assets()
    paths = of_buyers(assets)
    assert "client/connection.js" in paths
    assert "design/base.css" in paths
    sizes = {path: len(gzip.compress(assets.files[path].body)) for path in paths}
    assert sum(sizes.values()) <= BYTES_MAX, sizes


def test_what_is_fetched_later_is_counted_too():
    assets = Assets()
    counted = set(of_buyers(assets))
    for path in counted:
        text = COMMENT.sub("", assets.files[path].body.decode())
        assert not LATER.search(text), f"{path} fetches more; count that, too"
