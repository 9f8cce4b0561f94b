"""`onsale cluster` and `onsale move`: what an operator asks a running server."""

import json as json_format
import os
import sys
import urllib.error
import urllib.request
from typing import Annotated, Any, Final

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from server.base.log import plain
from server.base.settings import ConfigError, read_config

URL: Final = "http://127.0.0.1:8080"
TIMEOUT_S: Final = 10.0
REFUSED: Final = 1
UNUSABLE: Final = 2


class Unreachable(Exception):
    """The server cannot be asked; the message says why in one sentence."""


class Operator:
    """Asks a server as its administrator, whom the environment names."""

    def __init__(self, url: str) -> None:
        config = read_config(os.environ)
        if config.admin_email is None:
            raise ConfigError(
                "Set ONSALE_ADMIN_EMAIL and ONSALE_ADMIN_PASSWORD to an"
                " administrator's."
            )
        self._url = url.rstrip("/")
        self._token = ""
        login = {"email": config.admin_email, "password": config.admin_password}
        self._token = self.ask("POST", "/v1/auth/login", login)["access_token"]

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the answer; raise `Unreachable` with what the server says."""
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json_format.dumps(body).encode(),
            headers=headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return json_format.load(answer)
        except urllib.error.HTTPError as error:
            raise Unreachable(_detail(error)) from None
        except (OSError, ValueError) as error:
            raise Unreachable(f"{self._url} cannot be asked: {error}.") from None


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json_format.load(error)["detail"])
    except (ValueError, LookupError):
        return f"the server answered {error.code}."


def cluster(
    *,
    url: str = URL,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show the processes that serve, their events, epochs, leases and commits.

    Asks as the administrator of ONSALE_ADMIN_EMAIL and ONSALE_ADMIN_PASSWORD.

    Args:
        url: where any of the processes is reached.
        json: print what the server answered.
    """
    try:
        answer = Operator(url).ask("GET", "/v1/cluster")
    except (ConfigError, Unreachable) as error:
        sys.stderr.write(f"onsale: {plain(error)}\n")
        return UNUSABLE
    if json:
        sys.stdout.write(json_format.dumps(answer, indent=2) + "\n")
    else:
        Console().print(_table_of(answer))
    return 0


def move(event: str, process: str, *, url: str = URL) -> int:
    """Give an event to another process while it sells.

    Asks as the administrator of ONSALE_ADMIN_EMAIL and ONSALE_ADMIN_PASSWORD.

    Args:
        event: the event's id.
        process: the name of the process, as `onsale cluster` shows it.
        url: where any of the processes is reached.
    """
    try:
        operator = Operator(url)
    except (ConfigError, Unreachable) as error:
        sys.stderr.write(f"onsale: {plain(error)}\n")
        return UNUSABLE
    try:
        operator.ask("POST", "/v1/cluster/move", {"event": event, "process": process})
    except Unreachable as error:
        sys.stderr.write(f"onsale: {plain(error)}\n")
        return REFUSED
    return 0


def _table_of(answer: Any) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("process", "pid", "address", "event"):
        table.add_column(heading)
    for heading in ("epoch", "version", "commits/s"):
        table.add_column(heading, justify="right")
    table.add_column("lease until")
    for one in answer["processes"]:
        name = one["process"] + (" (leaving)" if one["leaving"] else "")
        about = (name, str(one["pid"]), one["address"] or "")
        if not one["events"]:
            table.add_row(*about)
        for event in one["events"]:
            table.add_row(
                *about,
                event["event"],
                str(event["epoch"]),
                str(event["version"]),
                f"{event['commits_per_s']:g}",
                event["lease_until"],
            )
            about = ("", "", "")
    return table
