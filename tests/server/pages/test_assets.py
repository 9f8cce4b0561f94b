"""The files of the pages: their versions, their imports, and where they are from."""

import json
import re
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest

import server.pages
from server.pages.assets import NOT_OURS, TYPES, Assets, asset_of
from server.pages.serve import PAGES

FOLDER = Path(server.pages.__file__).parent
OURS = {
    path: one.body.decode()
    for path, one in Assets().files.items()
    if path.endswith((".js", ".css")) and not path.startswith("vendor/")
}
SCRIPTS = {path: text for path, text in OURS.items() if path.endswith(".js")}
COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.S)


def test_any_change_of_any_file_is_another_version():
    usual = Assets()
    assert usual.version == Assets().version
    assert usual.address("a/b.js") == f"/assets/{usual.version}/a/b.js"
    other = Assets({"brand.css": asset_of(b":root {}", "text/css")})
    assert other.version != usual.version


def test_comments_are_left_out_and_lines_stay_where_they_are():
    for path, text in OURS.items():
        source = (FOLDER / path).read_text("utf-8")
        assert text.count("\n") == source.count("\n"), path
        assert "/**" not in text, path
        assert not re.search(r"^\s*//", text, re.M), path
    source = (FOLDER / "client/http.js").read_text("utf-8")
    assert "/** What the server said no to" in source
    kept = [line.strip() for line in source.splitlines() if line.strip()]
    served = {line.strip() for line in OURS["client/http.js"].splitlines()}
    said = [line for line in kept if not line.startswith(("//", "/*", "*"))]
    assert len([line for line in said if line in served]) > 0.9 * len(said)


def test_all_files_are_served_that_have_a_type_and_no_others():
    there = {
        str(path.relative_to(FOLDER))
        for path in FOLDER.rglob("*")
        if path.suffix in TYPES and not NOT_OURS & set(path.parts)
    }
    assert set(Assets().files) == there


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.entry)
def test_a_page_knows_each_module_that_its_own_import(page):
    assets = Assets()
    found = assets.modules_of(page.entry)
    assert found[0] == page.entry
    assert len(found) == len(set(found))
    assert {*page.styles, *page.later} <= set(assets.files)
    for path in found:
        text = COMMENT.sub("", assets.files[path].body.decode())
        for name in re.findall(r'\b(?:import|export)\b[^;"]*\bfrom "([^"]+)"', text):
            assert name.startswith("."), (path, name)
            near = (FOLDER / path).parent.joinpath(name).resolve()
            assert str(near.relative_to(FOLDER)) in found, (path, name)


def test_every_module_and_style_is_of_some_page():
    assets = Assets()
    used = {"brand.css", "worker.js"}
    for page in PAGES:
        used |= {*assets.modules_of(page.entry), *page.styles}
        for later in page.later:
            used |= {*assets.modules_of(later)}
    loose = {
        path
        for path in OURS
        if path not in used and not path.startswith(("words/", "design/"))
    }
    assert loose == set()


def test_what_others_wrote_is_as_they_wrote_it():
    vendor = files("server.pages").joinpath("vendor")
    told = json.loads(vendor.joinpath("manifest.json").read_text("utf-8"))
    named: dict[str, str] = {}
    for one in told:
        assert one["version"]
        assert one["licence"]
        assert one["source"]
        assert any("LICENSE" in path for path in one["files"])
        named |= one["files"]
    folder = FOLDER / "vendor"
    there = {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    there |= {str(path.relative_to(folder)) for path in folder.rglob("LICENSE")}
    assert set(named) == there - {"manifest.json"}
    for path, digest in named.items():
        assert sha256((folder / path).read_bytes()).hexdigest() == digest, path


@pytest.mark.parametrize("path", OURS)
def test_a_file_of_ours_names_no_other_host_and_makes_no_script_of_text(path):
    text = COMMENT.sub("", OURS[path])
    hosts = set(re.findall(r"(?:https?|wss?)://[\w.-]+", text))
    # Names of XML are no addresses: nobody fetches them.
    assert hosts <= {"http://www.w3.org"}, hosts
    if path.endswith(".js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text
        )
        assert not re.search(r"new Function\(", text)


@pytest.mark.parametrize("path", [one for one in OURS if one.endswith(".css")])
def test_a_style_knows_no_left_and_right(path):
    text = COMMENT.sub("", OURS[path])
    sided = (
        r"\b(?:margin|padding|border)-(?:left|right)\b|\btext-align:\s*(?:left|right)"
    )
    assert not re.search(sided, text)
