#!/usr/bin/env python3
"""Set up the development environment where that is needed, then run one command in it.

`python3 dev.py demo` and `python3 dev.py test` are all a newcomer has to type. Only the
standard library is used here, because nothing else is there yet.
"""

import sys

# Everything above and the syntax of everything below stays readable to Python 3.6, so
# that an old interpreter says this sentence instead of showing a SyntaxError.
if sys.version_info < (3, 11):  # noqa: UP036 - a newcomer may well run an older one
    sys.exit(f"Onsale needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:
    sys.exit("Onsale runs on Linux and macOS; this system has no POSIX file locks.")

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("ONSALE_VENV") or ROOT / ".venv").absolute()
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "onsale-requirements.sha256"
RUNTIME = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"
INSTALLER = "requirements-uv.txt"
BUILD = "requirements-build.txt"
# What each generated file is compiled from: arguments for `uv pip compile`. The second
# is held to the versions of the first, so that tests run what the image installs.
SOURCES = {
    RUNTIME: ["pyproject.toml"],
    DEVELOPMENT: ["pyproject.toml", "--group", "dev", "--constraints", RUNTIME],
    INSTALLER: ["--group", "uv"],
    BUILD: ["--group", "build", "--constraints", DEVELOPMENT],
}
PACKAGES = ("inventory", "persistence", "server", "bench", "tests", "dev.py")


class SetupError(Exception):
    """Setting up failed; the message is one sentence for the person at the terminal."""


def say(text: str) -> None:
    """Tell what is going on without mixing it into the command's own output."""
    print(text, file=sys.stderr, flush=True)


# -- The virtual environment


@contextlib.contextmanager
def bootstrap_lock() -> Iterator[None]:
    """Let one bootstrap at a time change the virtual environment."""
    path = VENV.parent / (VENV.name + ".lock")
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another dev.py that is setting up " + VENV.name + ".")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def requirements_stamp() -> str:
    """Say what the environment has to hold: the requirements and where we lie."""
    content = (ROOT / DEVELOPMENT).read_bytes() + str(ROOT).encode()
    return hashlib.sha256(content).hexdigest()


def is_current() -> bool:
    """Return whether the environment already holds the committed requirements."""
    try:
        return STAMP.read_text() == requirements_stamp() and PYTHON.exists()
    except FileNotFoundError:
        return False


def run_quietly(command: "list[str]") -> bool:
    """Run a step of the set-up and show what it said only when it failed."""
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        say(done.stdout.rstrip())
    return done.returncode == 0


def works(python: Path) -> bool:
    """Return whether this interpreter starts at all and is new enough."""
    probe = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return (
            subprocess.run([python, "-c", probe], capture_output=True).returncode == 0
        )
    except OSError:
        return False


def make_venv() -> None:
    """Make the virtual environment, or make it anew where its Python has gone."""
    if works(PYTHON):
        return
    if importlib.util.find_spec("ensurepip") is not None:
        command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    else:
        uv = shutil.which("uv")
        if uv is None:
            raise SetupError(
                "This Python cannot make virtual environments: install its venv module"
                " (on Debian and Ubuntu: apt install python3-venv)."
            )
        command = [uv, "venv", "--clear", "--python", sys.executable, str(VENV)]
    if not run_quietly(command):
        raise SetupError("The virtual environment could not be made (see above).")


def find_uv() -> "str | None":
    """Return a uv that runs: our own, else the one on the PATH."""
    if os.environ.get("ONSALE_BOOTSTRAP") == "pip":
        return None
    own = VENV / "bin" / "uv"
    return str(own) if own.exists() else shutil.which("uv")


def install_uv() -> "str | None":
    """Return a uv, installed where that is possible; None means: use pip."""
    found = find_uv()
    if found is not None or os.environ.get("ONSALE_BOOTSTRAP") == "pip":
        return found
    # Binaries only: building uv from source would take longer than pip needs for all.
    # What pip says here is no news to anyone, since it then does the work itself.
    command = [*pip_install(), "--only-binary", ":all:", "-r", INSTALLER]
    if subprocess.run(command, cwd=ROOT, capture_output=True).returncode != 0:
        return None
    return find_uv()


def pip_install() -> "list[str]":
    """Give the command with which pip installs nothing but what has a known hash."""
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    return [str(PYTHON), "-m", "pip", "install", *options, "--require-hashes"]


def install_requirements() -> None:
    """Install the committed requirements, through uv where it runs, else by pip."""
    uv = install_uv()
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", str(PYTHON)]
        if run_quietly([*command, "--require-hashes", "-r", DEVELOPMENT]):
            return
        say("uv could not install the requirements; trying pip.")
    if not works_with_pip():
        run_quietly([str(PYTHON), "-m", "ensurepip"])
    if not run_quietly([*pip_install(), "-r", DEVELOPMENT]):
        raise SetupError("The requirements could not be installed (see above).")


def works_with_pip() -> bool:
    """Return whether the environment has pip; one made by uv has not."""
    probe = [str(PYTHON), "-m", "pip", "--version"]
    return subprocess.run(probe, capture_output=True).returncode == 0


def link_checkout() -> None:
    """Make the checkout importable, and `onsale` a command, in the environment.

    An editable install would do the same, but fetches a build backend for which there
    is no hash.
    """
    probe = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run(
        [PYTHON, "-c", probe], capture_output=True, text=True, check=True
    )
    Path(found.stdout.strip(), "onsale-checkout.pth").write_text(str(ROOT) + "\n")
    script = VENV / "bin" / "onsale"
    command = shlex.quote(str(PYTHON)) + ' -P -m server "$@"'
    script.write_text("#!/bin/sh\nexec " + command + "\n")
    script.chmod(0o755)


def bootstrap() -> None:
    """Bring the virtual environment to what the committed requirements say."""
    if is_current():
        return
    with bootstrap_lock():
        if is_current():
            return
        started = time.monotonic()
        say("Setting up " + VENV.name + ", once; this takes some seconds.")
        make_venv()
        install_requirements()
        link_checkout()
        STAMP.write_text(requirements_stamp())
        say(f"Set up in {time.monotonic() - started:.0f} s.")


# -- The requirements files


def declared_dependencies() -> str:
    """Digest what pyproject.toml asks for, to notice a change of it offline."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        project["project"]["requires-python"],
        project["project"]["dependencies"],
        project["dependency-groups"],
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def header() -> str:
    """Give the first line of each generated file."""
    return (
        "# Made from pyproject.toml by `python3 dev.py requirements`; do not edit."
        " Dependencies: " + declared_dependencies() + "\n"
    )


def compile_requirements(uv: str, folder: Path, upgrade: bool) -> None:
    """Write all requirements files into a folder, keeping the pins they have there."""
    for name, source in SOURCES.items():
        options = ["--universal", "--python-version", "3.11", "--generate-hashes"]
        options += ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
        options += ["--quiet", "--output-file", str(folder / name)]
        if upgrade:
            options.append("--upgrade")
        source = [str(folder / part) if part in SOURCES else part for part in source]
        if not run_quietly([uv, "pip", "compile", *options, *source]):
            raise SetupError(f"uv could not compile {name} (see above).")
        # uv names the constraints file by its path, which is no business of a commit.
        text = (folder / name).read_text().replace(str(folder) + os.sep, "")
        (folder / name).write_text(header() + text)


def pins(text: str) -> "list[str]":
    """List what a requirements file pins, without hashes and comments.

    Hashes are left out of the comparison because a project may add a wheel to an old
    release at any time, which is no fault of ours.
    """
    lines = [line.partition(" \\")[0] for line in text.splitlines()]
    return [line for line in lines if re.match(r"[A-Za-z0-9]", line)]


def check_requirements(uv: "str | None") -> "list[str]":
    """List what is wrong with the committed requirements files."""
    problems = []
    for name in SOURCES:
        text = (ROOT / name).read_text()
        if not text.startswith(header()):
            problems.append(name + " was made from other dependencies than pyproject's")
        if "://" in text:
            problems.append(name + " carries an address")
    if uv is None:
        say("Without uv only the digest of the dependencies was compared.")
        return problems
    with tempfile.TemporaryDirectory(prefix="onsale-requirements-") as made:
        folder = Path(made)
        for name in SOURCES:
            shutil.copy(ROOT / name, folder / name)
        try:
            compile_requirements(uv, folder, upgrade=False)
        except SetupError:
            say("uv could not ask a registry: only the digest was compared.")
            return problems
        problems += [
            name + " pins other packages than pyproject.toml asks for"
            for name in SOURCES
            if pins((ROOT / name).read_text()) != pins((folder / name).read_text())
        ]
    return problems


def requirements(arguments: "list[str]") -> int:
    """Regenerate the requirements files, or check that they agree with pyproject."""
    parser = argparse.ArgumentParser(prog="dev.py requirements")
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--upgrade", action="store_true", help="take newer releases")
    options = parser.parse_args(arguments)
    if options.check:
        problems = check_requirements(find_uv())
        for problem in problems:
            say(problem + ": run `python3 dev.py requirements`.")
        return 1 if problems else 0
    # Not bootstrap(): the files it installs from may be the ones that are missing.
    with bootstrap_lock():
        uv = find_uv()
        if uv is None and (ROOT / INSTALLER).exists():
            make_venv()
            uv = install_uv()
    if uv is None:
        raise SetupError("Compiling the requirements needs uv, which is not here.")
    compile_requirements(uv, ROOT, options.upgrade)
    return 0


# -- The commands


def become(arguments: "list[str]") -> int:
    """Replace this process by the environment's Python with these arguments."""
    bootstrap()
    os.execv(PYTHON, [str(PYTHON), *arguments])


def demo(arguments: "list[str]") -> int:
    """Sell out a sample venue with simulated buyers."""
    return become(["-P", "-m", "server", "demo", *arguments])


def serve(arguments: "list[str]") -> int:
    """Start the server."""
    return become(["-P", "-m", "server", "serve", *arguments])


def bench(arguments: "list[str]") -> int:
    """Run a benchmark by its name."""
    return become(["-P", "-m", "bench", *arguments])


def faults(arguments: "list[str]") -> int:
    """Kill, cut and freeze real processes, and check that nothing was lost."""
    bootstrap()
    os.chdir(ROOT)
    return become(["-m", "tests.faults", *arguments])


def crash(arguments: "list[str]") -> int:
    """Kill the server at random moments of a sale, alone and with its Postgres.

    Then at the steps of orders, whose gateway dies at times, too.
    """
    parser = argparse.ArgumentParser(prog="dev.py crash", description=crash.__doc__)
    parser.add_argument("--runs", type=int, default=20, help="kills of each kind")
    parser.add_argument("--seed", type=int, default=1, help="of what is random")
    options = parser.parse_args(arguments)
    bootstrap()
    runs, seed = str(options.runs), str(options.seed)
    # The name of the one test of its file that kills.
    race = ["tests/contract/test_race.py", "-k", "kill_9", "--log-cli-level=INFO"]
    alone = ["tests.faults", "--only", "kill", "--times", runs, "--seed", seed]
    orders = ["tests.faults.orders", "--kills", runs, "--seed", seed]
    settings = {"ONSALE_TEST_KILLS": runs, "ONSALE_TEST_SEED": seed}
    failed = 0
    for command in (["pytest", "-q", "--durations=0", *race], alone, orders):
        done = subprocess.run(
            [str(PYTHON), "-m", *command], cwd=ROOT, env={**os.environ, **settings}
        )
        failed |= done.returncode
    say("Failed, see above." if failed else "Nothing was lost and nothing sold twice.")
    return 1 if failed else 0


def fuzz(arguments: "list[str]") -> int:
    """Send a server malformed frames; see `fuzz --help`."""
    bootstrap()
    os.chdir(ROOT)
    return become(["-m", "tests.security.frame_fuzzer", *arguments])


def test(arguments: "list[str]") -> int:
    """Run the tests; further arguments go to pytest.

    What takes long has a mark and runs on demand: `test -m campaign`.
    """
    bootstrap()
    os.chdir(ROOT)
    keep_bytecode()
    # Four on two cores: many tests wait, for a lease or a beat, most of their time.
    usual = ["-m", "pytest", "-n", "4", "-m", "not campaign"]
    return become([*usual, *arguments])


def pages(arguments: "list[str]") -> int:
    """Look at all pages through a Chromium, and photograph them; see `pages --help`."""
    os.chdir(ROOT)
    keep_bytecode()
    return become(["-m", "tests.browser", *arguments])


def attack(arguments: "list[str]") -> int:
    """Try the bounded abuse cases, each on a server of its own, and say what held."""
    os.chdir(ROOT)
    keep_bytecode()
    # One after the other: what a server does under attack is timed in some. The loop is
    # that of the attacker, so one will do.
    usual = ["-m", "pytest", "-p", "tests.security.attack_report", "-m", "attack"]
    usual += ["-q", "--no-header", "-o", "console_output_style=classic"]
    return become([*usual, "--loop", "asyncio", *arguments])


def keep_bytecode() -> None:
    """Have sources compiled once, in our own place, where they would be each time.

    A run starts some hundred processes of ours, and pytest rewrites every test file.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "pycache"))


def mutants(arguments: "list[str]") -> int:
    """Plant each seeded bug in a copy, and see that a test notices."""
    bootstrap()
    os.chdir(ROOT)
    return become(["-m", "tests.mutants", *arguments])


def package(arguments: "list[str]") -> int:
    """Make the wheel and the source archive, and sell a seat with the wheel."""
    bootstrap()
    os.chdir(ROOT)
    return become(["-m", "tests.deploy.package", *arguments])


def simulate(arguments: "list[str]") -> int:
    """Run the shipped code in seeded worlds where everything goes wrong."""
    bootstrap()
    os.chdir(ROOT)
    os.environ["PYTHONHASHSEED"] = "0"  # What is hashed has one order then.
    return become(["-m", "tests.simulation", *arguments])


def check(arguments: "list[str]") -> int:
    """Run lint, format, types, the tidy test and the check of the requirements."""
    argparse.ArgumentParser(prog="dev.py check").parse_args(arguments)
    bootstrap()
    sources = [name for name in PACKAGES if (ROOT / name).exists()]
    python = [str(PYTHON), "-m"]
    tidy = ["pytest", "-q", "--durations=0", "--no-header", "tests/test_tidy.py"]
    steps = {
        "lint": [*python, "ruff", "check", "."],
        "format": [*python, "ruff", "format", "--check", "."],
        "types": [*python, "mypy", *sources],
        "tidy": [*python, *tidy],
        "requirements": [str(PYTHON), "dev.py", "requirements", "--check"],
    }
    failed = []
    for name, command in steps.items():
        say("-- " + name)
        if subprocess.run(command, cwd=ROOT).returncode != 0:
            failed.append(name)
    say("Failed: " + ", ".join(failed) if failed else "All checks passed.")
    return 1 if failed else 0


COMMANDS: "dict[str, Callable[[list[str]], int]]" = {
    "demo": demo,
    "test": test,
    "pages": pages,
    "check": check,
    "bench": bench,
    "fuzz": fuzz,
    "crash": crash,
    "attack": attack,
    "faults": faults,
    "serve": serve,
    "package": package,
    "simulate": simulate,
    "mutants": mutants,
    "requirements": requirements,
}


def main() -> int:
    """Run the command that was asked for."""
    name, arguments = (sys.argv[1:2] or [""])[0], sys.argv[2:]
    command = COMMANDS.get(name)
    if command is None:
        say("Usage: python3 dev.py COMMAND [ARGUMENT...]\n")
        for known, function in COMMANDS.items():
            say("  {:14}{}".format(known, (function.__doc__ or "").partition("\n")[0]))
        return 0 if name in ("help", "-h", "--help") else 2
    try:
        return command(arguments)
    except SetupError as error:
        say("dev.py: " + str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
