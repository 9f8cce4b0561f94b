import pytest

from server.base.instance import address_of
from server.base.settings import (
    FILES,
    NAMES,
    SECRETS,
    Config,
    ConfigError,
    read_again,
    read_config,
    redis_address,
    redis_login,
)


def test_without_anything_the_defaults_are_taken():
    assert read_config({"PATH": "/bin", "ONSALE_PORT": ""}) == Config()


def test_what_is_given_goes_before_the_environment():
    environment = {"ONSALE_PORT": "1", "DATABASE_URL": "postgresql://a"}
    config = read_config(environment, port=2, host=None)
    assert (config.port, config.host) == (2, "127.0.0.1")
    assert config.database_url == "postgresql://a"


def test_lists_are_read_with_commas():
    config = read_config({"ONSALE_ALLOWED_ORIGINS": "https://a.example, https://b,"})
    assert config.allowed_origins == ["https://a.example", "https://b"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ONSALE_PROT", "1", "ONSALE_PROT is not a setting of onsale."),
        ("ONSALE_PORT", "65536", "ONSALE_PORT: Expected `int` <= 65535."),
        ("ONSALE_LOOP", "trio", "ONSALE_LOOP: Invalid enum value 'trio'."),
        ("ONSALE_ADMIN_EMAIL", "a@b.c", "ADMIN_PASSWORD are set together."),
        ("ONSALE_WORKERS", "0", "ONSALE_WORKERS: Expected `int` >= 1."),
        ("ONSALE_WORKERS", "65", "ONSALE_WORKERS: Expected `int` <= 64."),
        ("ONSALE_WORKER_PORT", "0", "ONSALE_WORKER_PORT: Expected `int` >= 1."),
        ("ONSALE_ADVERTISE", "example.org:80", "as http://onsale-1.example:8080."),
        ("ONSALE_SMTP_URL", "smtp://a.example", "ONSALE_MAIL_FROM are set together."),
        ("ONSALE_TRUSTED_PROXIES", "10.0.0.1, a", "an IPv4 or IPv6 network."),
        ("ONSALE_PROXY_HEADER", "X-Forwarded", "Invalid enum value 'X-Forwarded'."),
        ("ONSALE_METRICS_TOKEN", "short", "Expected `str` of length >= 16."),
        ("ONSALE_PUBLIC_URL", "tickets.example", "Expected the URL of a page."),
    ],
)
def test_what_cannot_be_is_named(name, value, sentence):
    with pytest.raises(ConfigError) as caught:
        read_config({name: value})
    assert str(caught.value).endswith(sentence)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*.example",
        "null",
        "a.example",
        "https://a.example/",
        "https://A.b",
    ],
)
def test_what_no_browser_calls_an_origin_is_none(origin):
    with pytest.raises(ConfigError, match="ONSALE_ALLOWED_ORIGINS"):
        read_config({"ONSALE_ALLOWED_ORIGINS": f"https://a.example,{origin}"})


def test_an_app_may_have_an_origin_of_its_own_kind():
    config = read_config(
        {"ONSALE_ALLOWED_ORIGINS": "capacitor://localhost,http://a:81"}
    )
    assert len(config.allowed_origins) == 2


@pytest.mark.parametrize(
    "name", ["ONSALE_VENV", "ONSALE_BOOTSTRAP", "ONSALE_POSTGRES_BIN"]
)
def test_what_others_of_ours_are_told_is_no_error(name):
    assert read_config({name: "anything"}) == Config()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example",
        "http://",
        "http://a.example/path",
        "http://a.example?query",
        "http://user@a.example",
        "http://a.example:0",
        "http://a.example:65536",
        "http://a b.example",
        # Who can say where the address ends and the port begins?
        "http://fd00::5:8080",
        "http://fd00::5",
        "[fd00::5]:8080",
        "fe80::1%eth0",
        "10.0.0.256",
    ],
)
def test_only_the_url_of_a_machine_is_advertised(url):
    with pytest.raises(ConfigError):
        read_config({}, advertise=url)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"workers": 2, "worker_port": 65_535}, "65,536"),
        ({"workers": 2, "worker_port": 8_079}, "8080"),
        ({"worker_port": 9_000, "host": "0.0.0.0"}, "ONSALE_ADVERTISE too"),
        ({"workers": 2, "advertise": "http://a.example"}, "ONSALE_WORKER_PORT too"),
        ({"workers": 2, "advertise": "fd00::5"}, "ONSALE_WORKER_PORT too"),
        ({"port": 0, "advertise": "fd00::5"}, "set ONSALE_PORT to one"),
    ],
)
def test_ports_of_workers_must_go_together(settings, word):
    with pytest.raises(ConfigError, match=word):
        read_config({}, **settings)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, None),
        ({"advertise": "https://a.example/"}, "https://a.example"),
        ({"worker_port": 9_000}, "http://127.0.0.1:9002"),
        ({"worker_port": 9_000, "host": "::1"}, "http://[::1]:9002"),
        (
            {"worker_port": 9_000, "advertise": "http://a.example:1", "workers": 3},
            "http://a.example:9002",
        ),
        (
            {"worker_port": 9_000, "advertise": "http://a.example:1"},
            "http://a.example:1",
        ),
        ({"advertise": "http://[fd00::5]:8080/"}, "http://[fd00::5]:8080"),
        (
            {"worker_port": 9_000, "advertise": "http://[fd00::5]", "workers": 3},
            "http://[fd00::5]:9002",
        ),
        ({"advertise": "fd00::5"}, "http://[fd00::5]:8080"),
        ({"advertise": "10.1.2.3", "port": 81}, "http://10.1.2.3:81"),
        ({"advertise": "fd00::5", "worker_port": 9_000}, "http://[fd00::5]:9002"),
        (
            {"advertise": "10.1.2.3", "worker_port": 9_000, "workers": 3},
            "http://10.1.2.3:9002",
        ),
    ],
)
def test_an_address_is_the_process_s_own_or_none(settings, address):
    assert address_of(read_config({}, **settings), 2) == address


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("smtp://mail.example", True),
        ("smtps://user:p%40ss@mail.example:465", True),
        ("mail.example:25", False),
        ("http://mail.example", False),
        ("smtp://user:s3cret@", False),
        ("smtp://user:s3cret@mail.example:99999", False),
    ],
)
def test_only_a_mail_server_is_taken_for_one_and_no_error_tells_its_password(url, good):
    settings = {"smtp_url": url, "mail_from": "Tickets <tickets@mail.example>"}
    if good:
        assert read_config({}, **settings).smtp_url == url
        return
    with pytest.raises(ConfigError, match="ONSALE_SMTP_URL") as caught:
        read_config({}, **settings)
    assert "s3cret" not in str(caught.value)


def test_the_sender_of_mails_has_an_address():
    with pytest.raises(ConfigError, match="ONSALE_MAIL_FROM"):
        read_config({}, smtp_url="smtp://mail.example", mail_from="Tickets")


# -- Secrets in files


ALL_SECRETS = {
    "ONSALE_CAPTCHA_SECRET_FILE": "of the captcha",
    "ONSALE_CAPTCHA_URL": "https://captcha.example/siteverify",
    "ONSALE_CAPTCHA_SITE_KEY": "site",
    "ONSALE_ADMIN_EMAIL": "a@b.example",
    "ONSALE_MAIL_FROM": "a@b.example",
    "ONSALE_ADMIN_PASSWORD_FILE": "correct horse battery staple",
    "ONSALE_METRICS_TOKEN_FILE": "z" * 16,
    "ONSALE_SECRET_KEY_FILE": "x" * 32,
    "ONSALE_OLD_SECRET_KEY_FILE": "y" * 32,
    "ONSALE_GATEWAY_SECRET_FILE": "new one, and the old",
    "ONSALE_STRIPE_KEY_FILE": "sk_live_0123456789",
    "ONSALE_STRIPE_WEBHOOK_SECRET_FILE": "whsec_new0123456789a whsec_old0123456789a",
    "ONSALE_SMTP_URL_FILE": "smtps://u:p@mail.example",
    "DATABASE_URL_FILE": "postgresql://u:p@db.example/onsale",
    "REDIS_URL_FILE": "rediss://:p@redis.example/0",
    "AWS_ACCESS_KEY_ID_FILE": "id",
    "AWS_SECRET_ACCESS_KEY_FILE": "secret",
    "AWS_SESSION_TOKEN_FILE": "token",
}


def test_every_secret_may_be_in_a_file(tmp_path):
    given = {}
    for name, value in ALL_SECRETS.items():
        given[name] = value
        if name.endswith("_FILE"):
            given[name] = str(tmp_path / name)
            # With the end of a line, as editors and `echo` write it, or without.
            ending = "\n" if "KEY" in name else ""
            (tmp_path / name).write_text(value + ending)
    config = read_config(given)
    for name, value in ALL_SECRETS.items():
        if name.endswith("_FILE"):
            assert getattr(config, NAMES[FILES[name]]) == value
    assert config.secret_files.keys() == SECRETS
    assert {NAMES[name] for name in FILES.values()} == SECRETS


def test_no_setting_that_sounds_secret_was_forgotten():
    sounds = ("secret", "password", "token", "key", "url", "pepper", "salt")
    told = {
        field
        for field in NAMES.values()
        if any(word in field.split("_") for word in sounds)
    }
    # Where something is, which everybody may know.
    known = {"public_url", "images_url", "gateway_url", "stripe_url"}
    # A site key is shown by every page with the captcha.
    known |= {"captcha_url", "captcha_site_key"}
    assert told - SECRETS == known


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"", "must hold one line of at most 16,384 bytes."),
        (b"\n", "must hold one line of at most 16,384 bytes."),
        (b"hunter2\nhunter2\n", "must hold one line of at most 16,384 bytes."),
        (b"hunter2\0", "must hold one line of at most 16,384 bytes."),
        (b"hunter2" * 10_000, "must hold one line of at most 16,384 bytes."),
        (b"hunter2\xff", "holds no text of UTF-8."),
    ],
)
def test_a_file_that_holds_no_secret_is_named_and_not_quoted(tmp_path, data, sentence):
    path = tmp_path / "secret"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_config({"ONSALE_SECRET_KEY_FILE": str(path)})
    assert str(caught.value) == f"ONSALE_SECRET_KEY_FILE: {path} {sentence}"


def test_a_secret_is_told_once():
    given = {"ONSALE_SECRET_KEY_FILE": "/nowhere", "ONSALE_SECRET_KEY": "hunter2"}
    with pytest.raises(ConfigError, match="are both set: keep one") as caught:
        read_config(given)
    assert "hunter2" not in str(caught.value)
    given = {"DATABASE_URL_FILE": "/nowhere", "ONSALE_DATABASE_URL_FILE": "/nowhere"}
    with pytest.raises(ConfigError, match="are both set: keep one"):
        read_config(given)
    given = {"ONSALE_SECRET_KEY_FILE": "", "ONSALE_SECRET_KEY": "hunter2"}
    assert read_config(given).secret_key == "hunter2"


def test_an_option_goes_before_a_file_too(tmp_path):
    given = {"DATABASE_URL_FILE": str(tmp_path / "not there")}
    config = read_config(given, database_url="postgresql://h/d")
    assert config.database_url == "postgresql://h/d"
    assert config.secret_files == {}


def test_what_is_not_secret_has_no_file():
    with pytest.raises(ConfigError, match="ONSALE_PORT_FILE is not a setting"):
        read_config({"ONSALE_PORT_FILE": "/nowhere"})


def test_files_are_read_again(tmp_path):
    path = tmp_path / "url"
    path.write_text("postgresql://u:old@h/d\n")
    config = read_config({"DATABASE_URL_FILE": str(path), "ONSALE_PORT": "1"})
    path.write_text("postgresql://u:new@h/d\n")
    fresh = read_again(config)
    assert (fresh.database_url, fresh.port) == ("postgresql://u:new@h/d", 1)
    path.unlink()
    with pytest.raises(ConfigError, match="DATABASE_URL_FILE"):
        read_again(fresh)
    assert read_again(Config()) == Config()


def test_the_login_of_redis_is_that_of_its_file_now(tmp_path):
    path = tmp_path / "a file: with odd #signs"
    path.write_text("rediss://u:old@h:1/0?ssl_cert_reqs=required")
    address = redis_address(read_config({"REDIS_URL_FILE": str(path)}))
    assert address is not None
    assert redis_login(address) == path.read_text()
    path.write_text("rediss://u:new@h:1/0")
    assert redis_login(address) == "rediss://u:new@h:1/0"
    # Of a cluster each node keeps its own address.
    node = address.replace("h:1", "h2:2")
    path.write_text("rediss+cluster://u:n%40w@h:1")
    assert redis_login(node).startswith("rediss://u:n%40w@h2:2/0?")
    path.unlink()
    assert redis_login(address).startswith("rediss://u:old@h:1/0")
    assert redis_login("redis://h#login=/nowhere") == "redis://h"
    assert redis_login("redis://h/0") == "redis://h/0"
    assert redis_address(read_config({"REDIS_URL": "redis://h"})) == "redis://h"
    assert redis_address(Config()) is None
