"""The seeded bugs still fit the code they are planted in."""

import ast
from pathlib import Path

from tests.mutants.detectors import detectors_of
from tests.mutants.patches import ROOT, read

MUTANTS = read()


def test_each_bug_has_exactly_one_place():
    assert [m.name for m in MUTANTS if m.occurrences(ROOT) != 1] == []


def test_each_bug_is_another_one_that_changes_something():
    assert len(MUTANTS) >= 35
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert [m.name for m in MUTANTS if m.old == m.new or not m.guard] == []


def test_each_bug_is_python_where_it_is_planted():
    for mutant in MUTANTS:
        if mutant.file.endswith(".py"):
            ast.parse(mutant.planted((ROOT / mutant.file).read_text()))


def test_what_is_asked_about_a_bug_exists():
    for mutant in MUTANTS:
        detectors = detectors_of(mutant.file)
        assert detectors
        named = [arg for one in detectors for arg in one if arg.startswith("tests/")]
        assert [name for name in named if not Path(ROOT, name).exists()] == []
