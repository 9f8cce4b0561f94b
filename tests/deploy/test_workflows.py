import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.schemas import check_schema

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DIGEST = "sha256:" + "d" * 64
TAG_OBJECT, COMMIT = "a" * 40, "c" * 40
PINNED = ("Dockerfile", "compose.yaml", ".github/workflows/ci.yml")


def jobs(name: str) -> dict[str, Any]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    found: dict[str, Any] = workflow["jobs"]
    return found


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_it_is_a_workflow(workflow):
    check_schema("vendor.github-workflows", workflow)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_its_scripts_are_scripts(workflow):
    for job in jobs(workflow.name).values():
        for step in job.get("steps", []):
            script = step.get("run", "")
            done = subprocess.run(
                ["bash", "-n"], input=script, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            # What others name is not pasted into a script.
            assert "${{" not in script


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_may_write_unless_it_says_so(workflow):
    made = yaml.safe_load(workflow.read_text())
    assert made["permissions"] == {"contents": "read"}


def test_nobody_else_s_action_has_the_right_to_publish():
    for job in jobs("release.yml").values():
        if job.get("permissions", {}).get("contents") == "write":
            assert [step for step in job["steps"] if "uses" in step] == []
        else:
            assert job["uses"].startswith("./")


def test_a_release_is_tested_and_sold_a_seat_with_first():
    release = jobs("release.yml")["release"]
    assert release["needs"] == "test"
    scripts = [step["run"] for step in release["steps"]]
    order = [
        next(n for n, script in enumerate(scripts) if word in script)
        for word in ("dev.py package", ".ci/pin", "docker build", "docker push")
    ]
    assert order == sorted(order)


def test_no_digest_is_invented():
    for name in (*PINNED, ".github/workflows/release.yml"):
        assert not re.search(
            r"@sha256:[0-9a-f]|@[0-9a-f]{40}", (ROOT / name).read_text()
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What is pinned, with a `docker` and a `git` that answer for the world."""
    for name in (*PINNED, ".ci/pin", ".github/workflows/release.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    put(tmp_path, "docker", f"echo {DIGEST}")
    # As an annotated tag has two lines: its own, and that of the commit.
    put(
        tmp_path,
        "git",
        f'printf "{COMMIT}\\t%s\\n{TAG_OBJECT}\\t%s\\n" "$4" "$3"',
    )
    return tmp_path


def put(folder: Path, name: str, script: str) -> None:
    """Put a program into the folder's `bin`, which notes what it was asked."""
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\necho "{name} $*" >>"{folder}/asked"\n{script}\n')
    program.chmod(0o755)


def pin(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [folder / ".ci" / "pin"],
        env={
            "PATH": f"{folder / 'bin'}:{os.defpath}",
            "GITHUB_SERVER_URL": "https://git.example",
        },
        capture_output=True,
        text=True,
    )


def contents(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text() for name in PINNED}


def test_images_and_actions_are_pinned(checkout):
    before = contents(checkout)
    done = pin(checkout)
    assert done.returncode == 0, done.stderr
    after = contents(checkout)
    assert f"ARG PYTHON_IMAGE=python:3.13-slim@{DIGEST}\n" in after["Dockerfile"]
    assert f"    image: postgres:18@{DIGEST}\n" in after["compose.yaml"]
    assert f"    image: valkey/valkey:9-alpine@{DIGEST}\n" in after["compose.yaml"]
    uses = re.findall(r"uses: (.*)", after[".github/workflows/ci.yml"])
    assert uses
    for use in uses:
        assert re.fullmatch(rf"actions/[\w-]+@{COMMIT} # v\d+", use)
    # And nothing else.
    for name, text in before.items():
        lines = zip(text.splitlines(), after[name].splitlines(), strict=True)
        changed = [old for old, new in lines if old != new]
        assert all(re.search(r"image: |uses: |ARG PYTHON", old) for old in changed)
    asked = (checkout / "asked").read_text()
    assert "https://git.example/actions/checkout refs/tags/v4 " in asked
    assert "inspect python:3.13-slim " in asked


def test_what_is_pinned_stays_so(checkout):
    assert pin(checkout).returncode == 0
    once = contents(checkout)
    put(checkout, "docker", "exit 1")
    put(checkout, "git", "exit 1")
    assert pin(checkout).returncode == 0
    assert contents(checkout) == once


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("docker", "echo latest"),
        ("docker", "exit 1"),
        ("git", "exit 0"),
        ("git", "exit 1"),
    ],
)
def test_where_something_is_not_found_nothing_is_pinned(checkout, name, script):
    before = contents(checkout)
    put(checkout, name, script)
    assert pin(checkout).returncode != 0
    assert contents(checkout) == before
