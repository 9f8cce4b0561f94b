import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import dev
from server import __version__
from server.ops.cli.main import app
from tests.deploy.package import build, still_running, unpack

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("inventory", "persistence", "server")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, what it unpacks to, and the wheel of that."""
    folder = tmp_path_factory.mktemp("package")
    archive = build("sdist", folder)
    source = unpack(archive, folder)
    source.rename(folder / "source")
    build("wheel", folder, cwd=folder / "source")
    return folder


def names_in_wheel(folder: Path) -> set[str]:
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def tracked() -> set[str]:
    """The files of the checkout that git knows, and that are not deleted in it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    names = set(listed.stdout.split("\0")) - {""}
    return {name for name in names if (ROOT / name).exists()}


def test_the_source_archive_has_all_that_a_checkout_has(made):
    (archive,) = made.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert tracked() - names == set()


def test_dev_py_works_in_the_unpacked_source_archive(made):
    # Without uv, whose look at a registry is none of this.
    done = subprocess.run(
        [sys.executable, "dev.py", "requirements", "--check"],
        cwd=made / "source",
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "ONSALE_BOOTSTRAP": "pip"},
    )
    assert done.returncode == 0, done.stderr
    needed = [*dev.SOURCES, *dev.PACKAGES]
    assert [name for name in needed if not (made / "source" / name).exists()] == []


def test_the_wheel_has_what_runs_and_nothing_else(made):
    names = names_in_wheel(made)
    tops = {name.partition("/")[0] for name in names}
    assert tops == {*PACKAGES, f"onsale-{__version__}.dist-info"}
    ours = {name for name in tracked() if name.startswith(PACKAGES)}
    assert {name for name in ours if name.partition("/")[0] in PACKAGES} <= names


def test_the_wheel_says_that_it_is_typed(made):
    assert {f"{name}/py.typed" for name in PACKAGES} <= names_in_wheel(made)


def test_the_wheel_has_the_version_and_the_command_that_the_code_has(made):
    (wheel,) = made.glob("*.whl")
    about = f"onsale-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{about}/METADATA").decode())
        commands = archive.read(f"{about}/entry_points.txt").decode()
    assert metadata["Version"] == __version__ == app.version
    assert metadata["License-Expression"] == "MIT"
    assert "onsale = server.__main__:main" in commands


@pytest.mark.parametrize("has_bench", [True, False])
def test_the_command_line_offers_the_benchmarks_only_where_they_are(made, has_bench):
    # What is installed by the wheel is what the archive has without them.
    path = str(ROOT if has_bench else unpacked_wheel(made))
    done = subprocess.run(
        [sys.executable, "-P", "-c", SHOW_HELP, path],
        capture_output=True,
        text=True,
        cwd=made,
    )
    assert done.returncode == 0, done.stderr
    assert ("bench" in done.stdout) is has_bench
    assert "serve" in done.stdout


# A checkout, this one or another, is on the path of the environment of the tests, and
# must not be here.
SHOW_HELP = """
import os, sys
sys.path = [sys.argv[1], *(p for p in sys.path if not os.path.isdir(f"{p}/bench"))]
from server.ops.cli.main import app
app(["--help"])
"""


def unpacked_wheel(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    installed = folder / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    return installed


def test_a_process_that_a_folder_s_server_left_is_found(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print(flush=True); input()")
    command = [sys.executable, str(script)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as left:
        assert left.stdout is not None
        left.stdout.readline()
        assert still_running(tmp_path) == [" ".join(command) + " "]
        left.communicate(b"\n")
    assert still_running(tmp_path) == []
