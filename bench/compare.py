"""`bench compare A.json B.json`: what changed between two reports."""

from pathlib import Path
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.outcome import BROKEN, number
from bench.progress import new_console


def compare(before: Path, after: Path, /) -> int:
    """Set the figures of two reports of one bench side by side.

    Ends with 0: what a change means is for its reader to say. What makes the two hard
    to compare, another machine or other settings, is named.

    Parameters
    ----------
    before
        The JSON of a report.
    after
        The JSON of a later one.
    """
    console = new_console()
    try:
        a, b = read_report(before), read_report(after)
    except (OSError, ValueError) as error:
        console.print(str(error), style="bold red", markup=False)
        return BROKEN
    for sentence in differences(a, b):
        console.print(sentence, style="yellow", markup=False)
    table = Table(title=str(b["title"]), box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure", no_wrap=True)
    for heading in ("before", "after", "unit", "after / before"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in changes(a, b):
        table.add_row(*row)
    new_console().print(table)
    return 0


def read_report(path: Path) -> dict[str, Any]:
    """Read a report; raise ValueError where it is none."""
    report = msgspec.json.decode(path.read_bytes())
    if not isinstance(report, dict) or not {"bench", "values"} <= report.keys():
        raise ValueError(f"{path} is not a report of the bench.")
    return report


def differences(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """Say what makes two reports hard to compare."""
    found = []
    if a["bench"] != b["bench"]:
        found.append(f"One is of {a['bench']}, the other of {b['bench']}.")
    for name in ("settings", "machine"):
        old, new = a.get(name) or {}, b.get(name) or {}
        for key in sorted(old.keys() | new.keys()):
            if key in ("load_before", "fdatasync_ms"):
                continue
            if _without_times(old.get(key)) != _without_times(new.get(key)):
                found.append(f"{name}, {key}: {old.get(key)}, then {new.get(key)}")
    return found


def _without_times(value: object) -> object:
    """What a machine is, without what it measured of itself."""
    if isinstance(value, dict):
        return {k: v for k, v in value.items() if not str(k).endswith("_ms")}
    return value


def changes(a: dict[str, Any], b: dict[str, Any]) -> list[list[str]]:
    """The rows of the table: figures that both have, in the order of the second."""
    old = {value["name"]: value["value"] for value in a["values"]}
    rows = []
    for value in b["values"]:
        was, now = old.get(value["name"]), value["value"]
        if value["name"] not in old:
            continue
        known = was is not None and now is not None
        ratio = f"{now / was:.2f}" if known and was else ""
        cells = ["not measured" if n is None else number(n) for n in (was, now)]
        rows.append([value["name"], *cells, value["unit"], ratio])
    return rows
