"""The recipe of the image, held to manifest and project and to a real server."""

import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from server import __version__
from tests.contract.process import Server

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instructions() -> list[tuple[str, str]]:
    """The recipe's instructions and their arguments."""
    lines = [line for line in RECIPE.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n", "", "\n".join(lines))
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines())
        if word
    ]


def arguments_of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def health_check() -> list[str]:
    (check,) = arguments_of("HEALTHCHECK")
    command: list[str] = json.loads(check.partition("CMD ")[2])
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


def is_healthy(data: Path, **variables: str) -> bool:
    """Run the image's health check as the engine does.

    It sees the environment only, and may fail some times before it counts.
    """
    told = {"ONSALE_DATA_DIR": str(data), "ONSALE_PORT": "8080", **variables}
    (check,) = arguments_of("HEALTHCHECK")
    (tries,) = re.findall(r"--retries=(\d+)", check)
    return any(
        subprocess.run(
            health_check(),
            env={"PATH": os.defpath, **told},
            cwd="/",
            stderr=subprocess.DEVNULL,
        ).returncode
        == 0
        for _ in range(int(tries))
    )


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "workers"),
    [
        ("127.0.0.1", "1"),
        ("::", "2"),
        pytest.param("0.0.0.0", "2", marks=pytest.mark.campaign),
        pytest.param("::1", "1", marks=pytest.mark.campaign),
    ],
)
def test_the_health_check_finds_a_server_however_it_was_told_its_port(host, workers):
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    # The environment says 8080, as the image does; the command line says otherwise.
    told = {"ONSALE_PORT": "8080", "ONSALE_HOST": host, "ONSALE_WORKERS": workers}
    server = Server(**told)
    try:
        assert not is_healthy(server.data, **told)
        server.start()
        assert is_healthy(server.data, **told)
        # Clients of Docker may put a proxy into every container.
        assert is_healthy(server.data, http_proxy="http://127.0.0.1:9")
        if ":" not in host:  # What `localhost` means with IPv6 is up to the machine.
            elsewhere = server.folder / "elsewhere"
            port = server.url.rpartition(":")[2]
            assert is_healthy(elsewhere, ONSALE_PORT=port)
        server.stop()
        assert not is_healthy(server.data, **told)
    finally:
        server.remove()


def test_the_image_starts_the_installed_command():
    (entry,) = map(json.loads, arguments_of("ENTRYPOINT"))
    assert entry == ["onsale"]
    assert entry[0] in PROJECT["scripts"]
    path = dict(part.split("=", 1) for part in arguments_of("ENV")[1].split())["PATH"]
    environment_made = re.search(r"venv --without-pip (\S+)", RECIPE)
    assert environment_made is not None
    assert path.startswith(f"{environment_made[1]}/bin:")


def test_the_image_has_the_account_that_the_manifest_names():
    (deployment, *_) = yaml.safe_load_all(
        (ROOT / "deploy" / "kubernetes.yaml").read_text()
    )
    context = deployment["spec"]["template"]["spec"]["securityContext"]
    user, group = context["runAsUser"], context["runAsGroup"]
    assert context["fsGroup"] == group
    assert arguments_of("USER") == [f"{user}:{group}"]
    (account,) = [rest for rest in arguments_of("RUN") if "useradd" in rest]
    assert f"groupadd --gid {group} onsale" in account
    assert f"useradd --uid {user} --gid {group} " in account


def test_the_labels_say_what_the_project_says():
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', RECIPE))
    assert labels == {
        "title": "Onsale",
        "description": PROJECT["description"],
        "version": __version__,
        "revision": "${REVISION}",
        "licenses": PROJECT["license"],
    }


def test_what_is_copied_is_sent_to_the_builder_and_nothing_else():
    copied = {
        name
        for rest in arguments_of("COPY")
        if not rest.startswith("--from=")
        for name in rest.split()[:-1]
    }
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert sent == copied
    assert "bench" not in copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    # A secret that lies about is not sent.
    assert not any(fnmatch(".env", name) for name in sent)


def test_both_stages_are_made_of_one_base_that_can_be_pinned():
    assert instructions()[0] == ("ARG", "PYTHON_IMAGE=python:3.13-slim")
    bases = [rest.split()[0] for rest in arguments_of("FROM")]
    assert bases == ["${PYTHON_IMAGE}"] * 2


def test_no_pip_is_left_and_all_is_compiled():
    build_stage, run_stage = RECIPE.split("\nFROM ")[1:]
    assert "venv --without-pip" in build_stage
    assert "pip uninstall --yes" in run_stage
    assert "ensurepip" in run_stage
    assert "-m compileall" in build_stage
    assert "-m compileall" in run_stage
