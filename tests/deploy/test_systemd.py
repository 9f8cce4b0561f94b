import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from server import __version__
from server.base.limits import CONNECTIONS_MAX, STOP_S_MAX
from server.base.settings import NAMES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "deploy" / "onsale.service").read_text()
PROGRAM = "/opt/onsale/bin/onsale"
EXPOSURE_MAX = 2.0


class Unit(ConfigParser):
    """A unit's sections; of settings that are said twice, the last."""

    def optionxform(self, optionstr: str) -> str:
        """Keep the names as they are."""
        return optionstr


@pytest.fixture
def unit() -> ConfigParser:
    made = Unit(interpolation=None, strict=False, delimiters=("=",))
    made.read_string(TEXT)
    return made


def analyze(tmp_path: Path, text: str, *command: str) -> str:
    """What systemd says of a unit; its program is one that is here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    assert PROGRAM in text
    file = tmp_path / "onsale.service"
    file.write_text(text.replace(f"ExecStart={PROGRAM}", f"ExecStart={sys.executable}"))
    done = subprocess.run(
        ["systemd-analyze", *command, file], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_systemd_has_nothing_to_say_of_it(tmp_path):
    assert analyze(tmp_path, TEXT, "verify") == ""


def test_what_systemd_does_not_know_is_found(tmp_path):
    wrong = TEXT.replace("ProtectHome=", "ProtectHouse=")
    assert "ProtectHouse" in analyze(tmp_path, wrong, "verify")


def test_little_of_the_machine_is_open_to_it(tmp_path):
    said = analyze(tmp_path, TEXT, "security", "--offline=yes")
    (level,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert float(level) < EXPOSURE_MAX


def test_its_data_lie_where_no_clean_up_comes(unit):
    service = unit["Service"]
    data = f"ONSALE_DATA_DIR=/var/lib/{service['StateDirectory']}"
    assert data in service["Environment"].split()
    # The database's account passes through, where it is another.
    assert service["StateDirectoryMode"] == "0711"


def test_what_it_sets_are_settings(unit):
    said = [part.partition("=")[0] for part in unit["Service"]["Environment"].split()]
    assert {name for name in said if name.startswith("ONSALE_")} <= set(NAMES)
    # The operator's file is read after them, and may be missing.
    assert unit["Service"]["EnvironmentFile"].startswith("-/etc/onsale/")
    assert TEXT.index("\nEnvironment=") < TEXT.index("\nEnvironmentFile=")


def test_it_has_the_files_and_the_time_that_it_needs(unit):
    service = unit["Service"]
    assert int(service["LimitNOFILE"]) > CONNECTIONS_MAX
    assert float(service["TimeoutStopSec"]) > 4 * STOP_S_MAX
    # Postgres is told by the server when all is written, not by systemd at once.
    assert service["KillMode"] == "mixed"


def test_what_it_says_to_install_is_the_version_of_today():
    assert f"onsale-{__version__}-py3-none-any.whl" in TEXT
