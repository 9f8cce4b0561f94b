"""The alerts and the dashboard: what they ask for is what the server shows."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.contract.client import Json
from tests.server.conftest import run_server

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus-alerts.yml"
BOARD = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
NAME = re.compile(r"\b(?:onsale|process)_\w+")
LABELS = re.compile(r"by \((\w+)\)|(\w+)=~?\"")
GIVEN = {"le", "job"}
"""By the kind of metric, and by Prometheus."""

WIDTH = 24
MINUTES = 20
CASES = {
    # By alert: series of which the first value of each pair raises it, the second not.
    "OnsaleDown": {'up{job="onsale"}': ("0x20", "1x20")},
    "OnsaleErrors": {
        'onsale_http_requests_total{status="503"}': ("0+6x20", "0+4x20"),
        'onsale_http_requests_total{status="200"}': ("0+94x20", "0+96x20"),
    },
    "OnsaleSlow": {
        'onsale_http_request_duration_seconds_bucket{le="0.5"}': ("0+94x20", "0+96x20"),
        'onsale_http_request_duration_seconds_bucket{le="1.0"}': (
            "0+100x20",
            "0+100x20",
        ),
        'onsale_http_request_duration_seconds_bucket{le="+Inf"}': (
            "0+100x20",
            "0+100x20",
        ),
    },
    "OnsaleProcessorBusy": {
        'process_cpu_seconds_total{job="onsale"}': ("0+49x20", "0+47x20")
    },
    "OnsaleMemoryLow": {
        "onsale_memory_available_bytes": ("14x20", "16x20"),
        "onsale_memory_total_bytes": ("100x20", "100x20"),
    },
    "OnsaleDiskFull": {
        "onsale_disk_free_bytes": ("9x20", "11x20"),
        "onsale_disk_total_bytes": ("100x20", "100x20"),
    },
    "OnsaleCommitsSlow": {
        'onsale_commit_seconds_bucket{le="0.1"}': ("0+98x20", "0+100x20"),
        'onsale_commit_seconds_bucket{le="0.5"}': ("0+100x20", "0+100x20"),
        'onsale_commit_seconds_bucket{le="+Inf"}': ("0+100x20", "0+100x20"),
    },
    "OnsaleFollowersBehind": {
        'onsale_follower_lag_seconds{follower="tickets"}': ("61x20", "60x20")
    },
    "OnsaleFollowerFailing": {
        'onsale_follower_events_failing{follower="tickets"}': ("1x20", "0x20")
    },
    "OnsaleActorFailed": {"onsale_actor_failures_total": ("0x10 1x10", "1x20")},
    "OnsalePaymentStrange": {"onsale_payment_webhooks_strange": ("1x20", "0x20")},
    "OnsaleScaleProcessor": {
        'process_cpu_seconds_total{job="onsale"}': ("0+43x20", "0+41x20")
    },
    "OnsaleScaleMemory": {
        "onsale_memory_available_bytes": ("19x20", "21x20"),
        "onsale_memory_total_bytes": ("100x20", "100x20"),
    },
    "OnsaleScaleRequests": {
        'onsale_http_requests_total{status="200"}': ("0+2010x20", "0+1990x20"),
        'onsale_events{process="a"}': ("1x20", "1x20"),
        'onsale_events{process="b"}': ("1x20", "1x20"),
    },
}


def alerts() -> dict[str, Json]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def expressions() -> Iterator[tuple[str, str]]:
    """Yield all that is asked for, with the name of who asks."""
    yield from ((name, rule["expr"]) for name, rule in alerts().items())
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


@pytest.mark.postgres
async def test_alerts_and_panels_ask_for_metrics_and_labels_that_there_are(
    database_url,
):
    text = ""
    async for client in run_server(database_url):
        await client.get("/v1/events")
        text = (await client.get("/metrics")).body.decode()
    names = set(re.findall(r"^# TYPE (\w+)", text, re.M))
    names |= {f"{name}_bucket" for name in names}
    labels = set(re.findall(r'[{,](\w+)="', text)) | GIVEN | {"code"}
    for where, asked in expressions():
        unknown = set(NAME.findall(asked)) - names
        assert not unknown, (where, unknown)
        unknown = {one or other for one, other in LABELS.findall(asked)} - labels
        assert not unknown, (where, unknown)


def test_every_alert_says_what_happened_and_what_to_do_next():
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}, name
        assert rule["annotations"]["summary"], name
        assert rule["annotations"]["action"].endswith("."), name


def test_panels_do_not_lie_on_each_other():
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= WIDTH
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_every_alert_has_a_case():
    assert CASES.keys() == alerts().keys()


@pytest.fixture(scope="module")
def promtool() -> str:
    found = os.environ.get("TEST_PROMTOOL") or shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool: TEST_PROMTOOL=$(.ci/from-debian promtool prometheus)")
    return found


@pytest.mark.parametrize("raised", [True, False])
def test_alerts_are_raised_above_their_bounds_and_not_below(promtool, tmp_path, raised):
    cases = [case_of(name, series, raised) for name, series in CASES.items()]
    file = tmp_path / "cases.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": cases}))
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def case_of(alert: str, series: dict[str, tuple[str, str]], raised: bool) -> Json:
    """Return a case as promtool reads it: an alert that is raised, or is not."""
    return {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": values[not raised]}
            for name, values in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})',
                "eval_time": f"{MINUTES}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if raised else [],
            }
        ],
    }
