import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.base.settings import NAMES, Config, read_config
from tests.deploy.schemas import check_schema

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "compose.yaml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVER: dict[str, Any] = COMPOSE["services"]["server"]
NOT_FOR_THE_OPERATOR = {
    # What the file and the image say themselves.
    "host",
    "port",
    "data_dir",
    "database_url",
    "redis_url",
    # Which files the others were read from.
    "secret_files",
    # Ports of single workers are published nowhere.
    "worker_port",
    "advertise",
    # The database of this file is a safe one.
    "unsafe",
    # Money that nobody has is for no server that lasts, nor is a Stripe of one's own.
    "gateway_url",
    "gateway_secret",
    "stripe_url",
}


def filled_in(value: str, given: dict[str, str]) -> str:
    """Return a value with its `${NAME:-default}` and `${NAME:?error}` replaced."""

    def replace(found: re.Match[str]) -> str:
        name, how, rest = found.groups()
        if given.get(name):
            return given[name]
        if how == ":?":
            raise LookupError(rest)
        return str(rest)

    return re.sub(r"\$\{(\w+)(:-|:\?)([^}]*)\}", replace, value)


def environment(**given: str) -> dict[str, str]:
    """What the server's process is told, where the operator's environment is this."""
    given.setdefault("POSTGRES_PASSWORD", "00ff")
    said = SERVER["environment"].items()
    return {name: filled_in(value, given) for name, value in said}


def test_it_is_a_compose_file():
    check_schema("vendor.compose-spec", FILE)


def test_every_setting_of_the_server_can_be_given():
    passed = {
        NAMES[name]
        for name, value in SERVER["environment"].items()
        if value == f"${{{name}:-}}"
    }
    assert passed == set(Config.__struct_fields__) - NOT_FOR_THE_OPERATOR


def test_what_is_not_given_is_not_set():
    config = read_config(environment())
    assert config == Config(
        database_url="postgresql://onsale:00ff@postgres:5432/onsale",
        redis_url="redis://valkey:6379/0",
    )


@pytest.mark.parametrize(
    "given",
    [
        {"ONSALE_SECRET_KEY": "s" * 32, "ONSALE_OLD_SECRET_KEY": "o" * 32},
        {"ONSALE_SMTP_URL": "smtp://a.example", "ONSALE_MAIL_FROM": "t@a.example"},
        {
            "ONSALE_IMAGES_URL": "s3://images",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
        },
        {
            "ONSALE_PAYMENTS": "stripe",
            "ONSALE_STRIPE_KEY": "sk_test_00000000",
            "ONSALE_STRIPE_WEBHOOK_SECRET": "whsec_0000000000000000",
        },
        {"ONSALE_HOOKS_PRIVATE": "true", "ONSALE_REMINDER_HOURS": "48"},
        {"ONSALE_TRUSTED_PROXIES": "10.0.0.1", "ONSALE_WORKERS": "3"},
    ],
)
def test_what_is_given_reaches_the_server(given):
    without = read_config(environment())
    config = read_config(environment(**given))
    changed = {
        name
        for name in Config.__struct_fields__
        if getattr(config, name) != getattr(without, name)
    }
    assert changed == {NAMES[name] for name in given}


def test_no_password_is_a_default():
    with pytest.raises(LookupError, match="POSTGRES_PASSWORD"):
        environment(POSTGRES_PASSWORD="")


def test_only_the_server_is_published_and_only_to_this_machine():
    ports = {name: one.get("ports", []) for name, one in COMPOSE["services"].items()}
    assert [name for name, published in ports.items() if published] == ["server"]
    (port,) = ports["server"]
    assert filled_in(port, {}) == "127.0.0.1:8080:8080"
    assert filled_in(port, {"ONSALE_PORT": "81"}) == "127.0.0.1:81:8080"


def test_what_it_says_of_more_servers_is_true():
    head = FILE.read_text().partition("name: onsale")[0]
    # Several processes: they have a bus.
    assert "ONSALE_WORKERS" in head
    assert "REDIS_URL" in SERVER["environment"]
    # Several servers: one port and one data directory stand in the way.
    assert "--scale" in head
    assert len(SERVER["ports"]) == 1
    assert SERVER["volumes"] == ["onsale-data:/data"]
