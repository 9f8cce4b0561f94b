"""A report as one HTML file: table, plots, and all that the figures depend on."""

from html import escape
from typing import Any

import msgspec

from bench.plots import Plot, draw

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1340px; margin: 2em auto;
  padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse } td, th { padding: .2em .8em; text-align: right;
  border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums }
td:first-child, th:first-child { text-align: left }
.missed { color: #a00; font-weight: 600 } .ok { color: #060; font-weight: 600 }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr));
  gap: 1.5em; margin: 2em 0 }
svg text { font: 11px system-ui, sans-serif } svg .title { font-size: 14px;
  font-weight: 600 } svg .name { font-weight: 600 }
svg .grid { stroke: #e2e2e2; fill: none } svg .line { fill: none; stroke-width: 1.6 }
pre { background: #f6f6f6; padding: 1em; overflow: auto }
"""


def render(whole: dict[str, Any], plots: list[Plot]) -> str:
    """Write the page; `whole` is the report as its JSON has it."""
    title = escape(str(whole["title"]))
    verdict = [f'<p class="missed">MISSED: {escape(s)}</p>' for s in whole["missed"]]
    notes = [f"<p>{escape(note)}</p>" for note in whole["notes"]]
    about = {name: whole[name] for name in ("settings", "machine", "audit")}
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
            f"<style>{STYLE}</style></head><body>",
            f"<h1>{title}</h1>",
            *(verdict or ['<p class="ok">Within the figure.</p>']),
            _table(whole["columns"], whole["rows"]),
            *notes,
            f'<div class="plots">{"".join(draw(plot) for plot in plots)}</div>',
            "<h2>Figures</h2>",
            _values(whole["values"]),
            *(_block(name, value) for name, value in about.items() if value),
            "</body></html>\n",
        ]
    )


def _values(values: list[dict[str, Any]]) -> str:
    bounds = (("at_least", "at least"), ("at_most", "at most"))
    rows = []
    for value in values:
        asked = [f"{word} {value[key]:g}" for key, word in bounds if value[key]]
        rows.append([value["name"], _plain(value), value["unit"], " ".join(asked)])
    return _table(["figure", "value", "unit", "asked for"], rows)


def _plain(value: dict[str, Any]) -> str:
    found = value["value"]
    return "not measured" if found != found else f"{found:,.4g}"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _block(name: str, value: object) -> str:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return f"<h2>{escape(name.capitalize())}</h2><pre>{escape(text)}</pre>"
