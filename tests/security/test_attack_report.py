"""What `dev.py attack` prints, and that each attack has something to claim."""

import ast
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGIN = "tests.security.attack_report"
SAMPLE = '''
import pytest


@pytest.mark.attack
@pytest.mark.parametrize("way", ["front", "back"])
def test_in(way):
    """Nobody comes in.

    More about it.
    """


@pytest.mark.attack
def test_out():
    """Nobody gets out."""
    assert not "somebody"


@pytest.fixture
def broken():
    raise OSError("no server")


@pytest.mark.attack
def test_broken(broken):
    """Nothing breaks."""


@pytest.mark.attack
def test_elsewhere():
    """Elsewhere as well."""
    pytest.skip("not here")


def test_no_attack():
    """Is not run."""
    raise AssertionError
'''


def attack(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run the attacks of a file, as dev.py does."""
    path = folder / "test_sample.py"
    path.write_text(text)
    usual = ["-m", "pytest", "-p", PLUGIN, "-m", "attack", "-q", "--no-header"]
    usual += ["-o", "console_output_style=classic", "-W", "ignore"]
    return subprocess.run(
        [sys.executable, *usual, "-p", "no:cacheprovider", "--rootdir", folder, path],
        cwd=REPOSITORY,
        # What no sample needs takes longer to load than it does to run.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )


def test_each_attack_has_a_line_and_the_status_tells_whether_all_held(tmp_path):
    done = attack(tmp_path, SAMPLE)
    lines = done.stdout.splitlines()
    for line in (
        "held:           Nobody comes in. (front)",
        "held:           Nobody comes in. (back)",
        "did not hold:   Nobody gets out.",
        "did not hold:   Nothing breaks.",
        "was not tried:  Elsewhere as well.",
        "2 held, 2 did not.",
    ):
        assert lines.count(line) == 1, done.stdout + done.stderr
    assert "Is not run" not in done.stdout
    assert done.returncode == 1


def test_where_all_held_the_status_is_0(tmp_path):
    done = attack(tmp_path, SAMPLE.partition("@pytest.mark.attack\ndef test_out")[0])
    assert "2 held, 0 did not." in done.stdout.splitlines()
    assert done.returncode == 0


def test_an_attack_that_claims_nothing_is_refused(tmp_path):
    done = attack(tmp_path, SAMPLE.replace('"""Nobody gets out."""', ""))
    assert "claims nothing" in done.stdout + done.stderr
    assert done.returncode not in (0, 1)


def test_every_attack_of_ours_states_its_claim_in_one_line():
    found = []
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                ast.unparse(mark).startswith("pytest.mark.attack")
                for mark in node.decorator_list
            ):
                claim = (ast.get_docstring(node) or "").partition("\n")[0]
                found.append(node.name)
                assert claim.endswith("."), (path, node.name)
    assert found
