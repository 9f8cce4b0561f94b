"""Which provider a server has, from its settings."""

import os
import sys
from typing import Any

import pytest

from persistence.data_directory import DataDirectory, DataDirectoryError
from server.base.settings import Config, ConfigError, read_config
from server.events.catalogue.service import PRICE_REFUSALS
from server.shop.payments.capability import PAYMENTS
from server.shop.payments.provider import PROVIDER
from server.shop.payments.secret import RECORD, secrets_for
from tests.server.conftest import Client, run_server
from tests.server.shop.orders.world import EVENT
from tests.server.shop.payments.gateway_process import OTHER_SECRET, SECRET


def test_a_secret_is_what_was_set():
    assert secrets_for(Config(gateway_secret=SECRET)) == (SECRET.encode(),)
    both = Config(gateway_secret=f"{SECRET} {OTHER_SECRET}")
    assert secrets_for(both) == (SECRET.encode(), OTHER_SECRET.encode())
    with pytest.raises(ConfigError, match=r"^ONSALE_GATEWAY_SECRET: .* 32 bytes\.$"):
        secrets_for(Config(gateway_secret="short"))


def test_a_secret_is_made_once_for_a_data_directory(tmp_path):
    config = Config(data_dir=str(tmp_path / "data"))
    (secret,) = secrets_for(config)
    assert len(secret) >= 32
    assert secrets_for(config) == (secret,)
    path = tmp_path / "data" / RECORD
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(DataDirectoryError, match="can be read by others"):
        secrets_for(config)


def test_who_is_second_takes_the_secret_of_the_first(tmp_path, monkeypatch):
    """Server and gateway begin together, and both found none."""
    data = DataDirectory(tmp_path)
    data.create()
    first: list[str] = []

    def link(source, target, link=os.link):
        if not first:
            first.append("")
            first[0] = DataDirectory(tmp_path).secret(RECORD)
        link(source, target)

    monkeypatch.setattr(os, "link", link)
    assert data.secret(RECORD) == first[0]
    assert [path.name for path in tmp_path.iterdir()] == [RECORD]


GATEWAY = {"ONSALE_PAYMENTS": "gateway", "ONSALE_GATEWAY_URL": "http://127.0.0.1:9"}


def test_settings_name_the_gateway():
    config = read_config(GATEWAY)
    assert (config.payments, config.gateway_url) == ("gateway", "http://127.0.0.1:9")
    assert Config().payments is None


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"ONSALE_PAYMENTS": "gateway"}, "set ONSALE_GATEWAY_URL too."),
        ({"ONSALE_PAYMENTS": "cash"}, "ONSALE_PAYMENTS: Invalid enum value 'cash'."),
        (GATEWAY | {"ONSALE_GATEWAY_URL": "127.0.0.1:9"}, "http://127.0.0.1:8090."),
        (GATEWAY | {"ONSALE_GATEWAY_URL": "http://a@b"}, "http://127.0.0.1:8090."),
    ],
)
def test_settings_that_cannot_be_are_named(environment, sentence):
    with pytest.raises(ConfigError) as caught:
        read_config(environment)
    assert str(caught.value).endswith(sentence)


STRIPE = {
    "ONSALE_PAYMENTS": "stripe",
    "ONSALE_STRIPE_KEY": "rk_live_51AbCdEf0123456789",
    "ONSALE_STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdefABCDEF",
}


def test_settings_name_stripe():
    config = read_config(STRIPE)
    assert (config.payments, config.stripe_url) == ("stripe", None)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"ONSALE_STRIPE_KEY": None}, "ONSALE_STRIPE_KEY"),
        # Copied from the wrong line of the dashboard.
        ({"ONSALE_STRIPE_KEY": "pk_live_51AbCdEf0123456789"}, "ONSALE_STRIPE_KEY"),
        ({"ONSALE_STRIPE_KEY": "rk_live_51AbC dEf"}, "ONSALE_STRIPE_KEY"),
        ({"ONSALE_STRIPE_WEBHOOK_SECRET": None}, "ONSALE_STRIPE_WEBHOOK_SECRET"),
        ({"ONSALE_STRIPE_WEBHOOK_SECRET": "0123"}, "ONSALE_STRIPE_WEBHOOK_SECRET"),
        (
            {"ONSALE_STRIPE_WEBHOOK_SECRET": " ".join(["whsec_0123456789abcdef"] * 3)},
            "ONSALE_STRIPE_WEBHOOK_SECRET",
        ),
        ({"ONSALE_STRIPE_URL": "127.0.0.1:9"}, "ONSALE_STRIPE_URL"),
    ],
)
def test_settings_of_stripe_that_cannot_be_are_named_and_not_shown(change, named):
    given = {name: text for name, text in (STRIPE | change).items() if text}
    with pytest.raises(ConfigError, match=f"^{named}: ") as caught:
        read_config(given)
    assert not any(text and text in str(caught.value) for text in change.values())


def test_secrets_of_stripe_may_be_in_files(tmp_path):
    path = tmp_path / "key"
    path.write_text(STRIPE["ONSALE_STRIPE_KEY"] + "\n")
    given = {k: v for k, v in STRIPE.items() if k != "ONSALE_STRIPE_KEY"}
    config = read_config({**given, "ONSALE_STRIPE_KEY_FILE": str(path)})
    assert config.stripe_key == STRIPE["ONSALE_STRIPE_KEY"]


class Opening:
    """What a capability is given, as far as that of payments looks at it."""

    def __init__(self, **settings) -> None:
        self.settings = Config(
            payments="stripe",
            stripe_webhook_secret=STRIPE["ONSALE_STRIPE_WEBHOOK_SECRET"],
            **settings,
        )
        self.given: dict[Any, Any] = {PRICE_REFUSALS: []}
        self.parts: dict[str, Any] = {}

    def __setitem__(self, key, part) -> None:
        self.given[key] = part

    def __getitem__(self, key):
        return self.given[key]

    def report(self, name, part) -> None:
        self.parts[name] = part

    def on_stop(self, close) -> None:
        self.close = close


async def opened(opening: Any) -> None:
    assert PAYMENTS.open is not None
    await PAYMENTS.open(opening)


LIVE: dict[str, Any] = {
    "stripe_key": "sk_live_51AbCdEf01234567",
    "public_url": "https://a.example",
}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"stripe_key": "sk_test_51AbCdEf01234567"}, "everybody gets tickets"),
        ({"stripe_url": "http://127.0.0.1:9"}, "says who has paid"),
        ({"public_url": None}, "ONSALE_PUBLIC_URL"),
    ],
)
async def test_what_would_give_tickets_away_has_to_be_said(change, sentence):
    opening = Opening(**(LIVE | change))
    with pytest.raises(ConfigError, match=sentence):
        await opened(opening)
    assert PROVIDER not in opening.given


async def test_stripe_is_opened_and_closed():
    opening = Opening(**LIVE)
    await opened(opening)
    provider = opening.given[PROVIDER]
    assert (provider.name, provider.test) == ("stripe", False)
    assert opening.parts["payments"]()["test"] is False
    await opening.close()


async def test_without_its_library_stripe_is_refused_with_what_to_do(monkeypatch):
    for name in list(sys.modules):
        if name.startswith("server.shop.payments.stripe."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "stripe", None)
    with pytest.raises(ConfigError, match=r"onsale\[stripe\]"):
        await opened(Opening(**LIVE))


def test_a_secret_may_be_in_a_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(f"{SECRET} {OTHER_SECRET}\n")
    config = read_config({"ONSALE_GATEWAY_SECRET_FILE": str(path)})
    assert secrets_for(config) == (SECRET.encode(), OTHER_SECRET.encode())


@pytest.mark.postgres
async def test_a_server_uses_the_test_gateway_only_where_that_was_said(
    database_url, tmp_path
):
    given = {
        "data_dir": str(tmp_path),
        "payments": "gateway",
        "gateway_url": "http://127.0.0.1:9",
    }
    careful = run_server(database_url, **given)
    with pytest.raises(ConfigError, match="gets tickets for nothing"):
        await anext(careful)
    async for client in run_server(database_url, **given, unsafe=True):
        part = await payments_of(client)
        told = part["status"], part["provider"], part["test"]
        assert told == ("ok", "gateway", True)


@pytest.mark.postgres
async def test_without_a_setting_nobody_takes_money(client):
    assert await payments_of(client) == {"status": "off"}


async def payments_of(client: Client):
    return (await client.good("GET", "/health"))["parts"]["payments"]


async def test_without_a_provider_nothing_is_sold_that_is_paid_first(admin):
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    refused = await admin.post(f"/v1/events/{event}/publish")
    assert (refused.status, refused.body["code"]) == (409, "wrong_state")
    assert "ONSALE_PAYMENTS" in refused.body["detail"]
    path = f"/v1/events/{event}"
    await admin.good("PATCH", path, {"payment": "none"})
    await admin.good("POST", f"{path}/publish")
    changed = await admin.send("PATCH", path, {"payment": "required"})
    assert changed.status == 422
    assert changed.body["errors"][0]["field"] == "payment"
