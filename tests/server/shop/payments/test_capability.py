"""Which provider a server has, from its settings."""

import os

import pytest

from persistence.data_directory import DataDirectory, DataDirectoryError
from server.base.settings import Config, ConfigError, read_config
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
