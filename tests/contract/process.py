"""A real server process for the contract tests: started, stopped, killed."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.scratch import make_folder

REPOSITORY = Path(__file__).resolve().parents[2]
ADMIN_EMAIL = "admin@example.org"
ADMIN_PASSWORD = "correct horse battery staple"
WORKERS = "CONTRACT_WORKERS"
"""How many workers each server has: the contract is the same for any number."""

NOBODY = "http://127.0.0.1:9"
START_S = 120.0
STOP_S = 10.0
ADDRESS = re.compile(rb"http://(?:[\w.\-]+|\[[\da-f:]+\]):\d+")


def environment(**extra: str) -> dict[str, str]:
    """Give this process's environment without anything that configures a server."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ONSALE_") and name not in {"DATABASE_URL", "REDIS_URL"}
    }
    return (
        kept
        | {
            "ONSALE_ADMIN_EMAIL": ADMIN_EMAIL,
            "ONSALE_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "PYTHONUNBUFFERED": "1",
            # Sales may be of what is paid first; nobody is there who takes the money.
            "ONSALE_PAYMENTS": "gateway",
            "ONSALE_GATEWAY_URL": NOBODY,
            "ONSALE_UNSAFE": "1",
        }
        | extra
    )


def serve_command(*arguments: str) -> list[str]:
    """Give the command line of a server."""
    return [sys.executable, "-m", "server", "serve", *arguments]


class Server:
    """One server over one data directory; it may be started several times."""

    def __init__(
        self,
        *,
        rate_limits: bool = False,
        port: int = 0,
        parent: Path | None = None,
        **extra: str,
    ) -> None:
        self.folder = make_folder("contract", parent)
        self.data = self.folder / "data"
        self.log_path = self.folder / "server.base.log"
        self.out_path = self.folder / "server.out"
        self.port = port
        self.extra = dict(extra)
        if not rate_limits:
            self.extra["ONSALE_RATE_LIMITS"] = "off"
        if WORKERS in os.environ:
            self.extra.setdefault("ONSALE_WORKERS", os.environ[WORKERS])
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.venues: dict[str, str] = {}
        self._admin_token = ""
        self._admin_until = 0.0

    def start(self) -> "Server":
        """Start it and return when it has printed its address."""
        with self.log_path.open("ab") as log, self.out_path.open("wb") as out:
            self.process = subprocess.Popen(
                serve_command("--port", str(self.port), "--data-dir", str(self.data)),
                cwd=REPOSITORY,
                env=environment(**self.extra),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            found = ADDRESS.search(self.out_path.read_bytes())
            if found:
                self.url = found.group().decode()
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        code = self.process.poll()
        self.kill()
        raise RuntimeError(f"no server: exit code {code}\n{self.log()}")

    def stop(self) -> int:
        """Send SIGTERM and return the exit code, or kill it after ten seconds."""
        if self.process is None:
            return 0
        process = self.process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.process = None
        return code

    def kill(self) -> None:
        """End it the hard way, as a crash would."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def remove(self) -> None:
        """End it and leave nothing on the disk."""
        try:
            self.stop()
        finally:
            self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self, since: int = 0) -> str:
        """Give what it has printed and logged from a byte of the log on."""
        parts = [
            path.read_bytes()[skip:].decode(errors="replace")
            for path, skip in ((self.out_path, 0), (self.log_path, since))
            if path.exists()
        ]
        return "".join(parts)

    def log_size(self) -> int:
        """Tell how long its log is now, to read later what was added."""
        return self.log_path.stat().st_size

    @property
    def admin_token(self) -> str:
        """Log the administrator in, again before the token expires."""
        if time.monotonic() > self._admin_until:
            body = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
            request = urllib.request.Request(
                f"{self.url}/v1/auth/login",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    token = json.load(answer)
                    self._admin_token = token["access_token"]
                    self._admin_until = time.monotonic() + token["expires_in"] / 3
            except urllib.error.HTTPError as error:
                with error:
                    raise RuntimeError(f"login: {error.read()!r}") from error
        return self._admin_token
