import pytest

from server.config import Config, ConfigError, read_config


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
    ],
)
def test_what_cannot_be_is_named(name, value, sentence):
    with pytest.raises(ConfigError) as caught:
        read_config({name: value})
    assert str(caught.value).endswith(sentence)


@pytest.mark.parametrize(
    "name", ["ONSALE_VENV", "ONSALE_BOOTSTRAP", "ONSALE_POSTGRES_BIN"]
)
def test_what_others_of_ours_are_told_is_no_error(name):
    assert read_config({name: "anything"}) == Config()
