"""Make the source archive and the wheel, and sell a seat with what the wheel installs.

`python3 dev.py package [FOLDER]` runs this, and leaves both in FOLDER. The wheel is
made from the unpacked archive, and installed away from the checkout with what the image
installs and nothing else: what only development has is not there.
"""

import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dev import RUNTIME, find_uv
from tests.scratch import make_folder

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 40.0
STOP_S_MAX = 20.0
ADMIN = {"email": "admin@example.org", "password": "correct horse battery staple"}
SEAT = "A-1"
MAP = {
    "categories": [{"key": "front"}],
    "seats": [{"row": "A", "number": "1", "category": "front"}],
}
PAGES = ("/", "/docs", "/openapi.json", "/asyncapi.json")


def say(text: str) -> None:
    """Tell how far we are."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a step; what it said is shown where it fails."""
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nFailed: {' '.join(map(str, command))}")


def build(kind: str, folder: Path, *, cwd: Path = ROOT) -> Path:
    """Make an `sdist` or a `wheel` of the project in `cwd`; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.iterdir())
    run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder, cwd=cwd)
    (made,) = set(folder.iterdir()) - before
    return made


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a source archive; return the folder that was in it."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def install(wheel: Path, requirements: Path, environment: Path) -> None:
    """Make an environment with the wheel, and with the packages that it may need."""
    python = environment / "bin" / "python"
    uv = find_uv()
    if uv is None:
        run(sys.executable, "-m", "venv", environment)
        command = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    else:
        run(uv, "venv", "--python", sys.executable, environment)
        command = [uv, "pip", "install", "--python", str(python)]
    run(*command, "--require-hashes", "-r", requirements)
    run(*command, "--no-deps", wheel)


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[str]:
    """Run the installed server over the folder's data; give its URL."""
    onsale = folder / "environment" / "bin" / "onsale"
    out, log = folder / "server.out", folder / "server.base.log"
    with out.open("wb") as output, log.open("ab") as errors:
        process = subprocess.Popen(
            [onsale, "serve", "--port", "0", "--data-dir", folder / "data", *arguments],
            # Not in the checkout, and nothing of ours in the environment.
            cwd=folder,
            env={
                "PATH": os.defpath,
                "ONSALE_ADMIN_EMAIL": ADMIN["email"],
                "ONSALE_ADMIN_PASSWORD": ADMIN["password"],
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
    try:
        yield wait_for_url(process, out)
        process.terminate()
        if process.wait(STOP_S_MAX) != 0:
            sys.exit(f"The server ended with {process.returncode}.")
    except BaseException:
        sys.stderr.write(log.read_text())
        raise
    finally:
        end(process)


def wait_for_url(process: "subprocess.Popen[bytes]", out: Path) -> str:
    """Return the URL that the server prints when it is ready."""
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"ready at (\S+)\n", out.read_text())
        if found:
            return found[1]
        time.sleep(0.02)
    sys.exit("The installed server did not start.")


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a server that is still there: in order, else at once."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask(url: str, body: object = None, token: str | None = None) -> Any:
    """Send a POST where there is a body, else a GET; return what was answered."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url, data, headers), timeout=60
    ) as answer:
        is_json = "json" in answer.headers.get_content_type()
        return json.load(answer) if is_json else answer.read()


def sell(url: str) -> str:
    """Sell the only seat of an event, and have it audited; return the event."""
    for page in PAGES:
        ask(url + page)
    admin = ask(f"{url}/v1/auth/login", ADMIN)["access_token"]
    venue = ask(f"{url}/v1/venues", {"name": "Cellar", "map": MAP}, admin)["id"]
    begin = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)
    price = {"amount": 4500, "currency": "EUR"}
    about = {"name": "An evening", "venue": venue, "prices": {"front": price}}
    about["starts_at"] = begin.isoformat()
    event: str = ask(f"{url}/v1/events", about, admin)["id"]
    ask(f"{url}/v1/events/{event}/publish", {}, admin)
    guest = ask(f"{url}/v1/auth/guest", {})["access_token"]
    commands = f"{url}/v1/events/{event}/commands"
    held = ask(commands, {"op": "hold", "id": 1, "seats": [SEAT]}, guest)
    booked = ask(commands, {"op": "book", "id": 2, "hold": held["hold"]}, guest)
    if booked["seats"] != [SEAT]:
        sys.exit(f"Not sold: {booked}")
    receipt = ask(f"{url}/v1/events/{event}/audit", token=admin)
    if not receipt["ok"]:
        sys.exit(f"The audit found a difference: {receipt}")
    return event


def still_running(folder: Path) -> list[str]:
    """List the processes that a folder's server left, by what they were started as."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # It ended while we looked.
        if str(folder) in command:
            found.append(command)
    return found


def check(folder: Path, kept: Path) -> None:
    """Go all the way in a scratch folder; keep the two files."""
    archive = build("sdist", folder / "archive")
    source = unpack(archive, folder / "source")
    wheel = build("wheel", folder / "wheel", cwd=source)
    run(sys.executable, "dev.py", "help", cwd=source)
    install(wheel, source / RUNTIME, folder / "environment")
    with serving(folder) as url:
        event = sell(url)
    # Its workers are processes of the installed code, and find what the other sold.
    with serving(folder, "--workers", "2") as url:
        counts = ask(f"{url}/v1/events/{event}")["counts"]
    if counts != {"free": 0, "held": 0, "booked": 1, "blocked": 0}:
        sys.exit(f"After a restart {SEAT} is not sold: {counts}")
    if left := still_running(folder):
        sys.exit("The server left processes: " + ", ".join(left))
    kept.mkdir(parents=True, exist_ok=True)
    for made in (archive, wheel):
        shutil.copy(made, kept)
        say(f"{kept / made.name}")


def main() -> None:
    """Do it, say how long it took, and leave nothing but the two files."""
    kept = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "dist"
    started = time.monotonic()
    folder = make_folder("package")
    try:
        check(folder, kept)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(f"A seat was sold with it; all took {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()
