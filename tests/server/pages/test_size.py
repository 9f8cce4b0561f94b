"""How much a buyer's browser fetches, once, before it can buy."""

import gzip
import re
from posixpath import dirname, join, normpath

from server.pages.assets import Assets
from server.pages.serve import PAGES, STYLES

BYTES_MAX = 120 * 1024
LATER_BYTES_MAX = 24 * 1024
"""Of what only some who are on a page already fetch: who is signed in, who waits."""

NOT_BUYERS = ("/checkin", "/organise", "/admin", "/rooms")
"""What nobody has to fetch to buy."""

LANGUAGE = "en"
LATER = re.compile(r'\bimport\("(\.[^"]+)"\)')
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
"""Types in comments are named like what is fetched."""


def of_buyers(assets):
    """Name all scripts and styles of the pages of buyers, each once."""
    found = set(STYLES)
    for page in PAGES:
        if not page.addresses[0].startswith(NOT_BUYERS):
            found |= {*page.styles, *assets.modules_of(page.entry)}
            found |= {*assets.words_of(page.entry)[LANGUAGE]}
    # What settings make is no file.
    return sorted(path for path in found if path in assets.files)


def test_the_scripts_and_styles_of_all_buyers_pages_are_120_kib_at_most():
    assets = Assets()
    paths = of_buyers(assets)
    assert "client/connection.js" in paths
    assert "design/base.css" in paths
    sizes = {path: len(gzip.compress(assets.files[path].body)) for path in paths}
    assert sum(sizes.values()) <= BYTES_MAX, sizes


def test_what_is_fetched_later_is_named_by_its_page_and_has_a_limit_of_its_own():
    assets = Assets()
    at_once = set(of_buyers(assets))
    pages = [one for one in PAGES if not one.addresses[0].startswith(NOT_BUYERS)]
    found = set()
    for path in sorted(at_once):
        for name in LATER.findall(COMMENT.sub("", assets.files[path].body.decode())):
            found.add(normpath(join(dirname(path), name)))
    assert found == {path for page in pages for path in page.later}
    for page in pages:
        later = {one for path in page.later for one in assets.modules_of(path)}
        later -= at_once
        for one in later:
            text = COMMENT.sub("", assets.files[one].body.decode())
            assert not LATER.search(text), f"{one} fetches more; name that, too"
        for path in page.later:
            later |= {*assets.words_of(path)[LANGUAGE]} - at_once
        sizes = {one: len(gzip.compress(assets.files[one].body)) for one in later}
        assert sum(sizes.values()) <= LATER_BYTES_MAX, (page.addresses, sizes)
