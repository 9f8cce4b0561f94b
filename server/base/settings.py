"""The settings of one server process, from the environment and the command line.

Nothing else reads the environment. A name that is not known, or a value that is not
possible, is a `ConfigError` with a sentence that names it.
"""

import re
from collections.abc import Mapping
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote, unquote, urlsplit

import msgspec
from msgspec import Meta, Struct

from persistence.quotas import DEFAULT_QUOTAS, Quotas
from server.base.networks import ProxyHeader, parse_networks
from server.base.s3_url import parse_s3_url

PORT_MAX: Final = 65_535
Port = Annotated[int, Meta(ge=0, le=PORT_MAX)]
MetricsToken = Annotated[str, Meta(min_length=16)]
Allowance = Annotated[int, Meta(ge=1, le=10**9)]
Colour = Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")]
Bytes = Annotated[int, Meta(ge=1, le=10**15)]
Chain = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]

EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})
"""Hosts that mean all addresses of the machine, and so are nobody's address."""


class ConfigError(Exception):
    """A setting that is unknown or impossible."""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set; see the README for what each is for."""

    host: str = "127.0.0.1"
    port: Port = 8080
    data_dir: str = ".onsale"
    database_url: str | None = None
    redis_url: str | None = None
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    worker_port: Annotated[int, Meta(ge=1, le=PORT_MAX)] | None = None
    """Where worker 0 listens besides, alone; the next ones at the ports after it."""
    advertise: str | None = None
    """The URL at which others reach this machine: its port is used for a lone process
    only, because each worker has its own. Or an IP address, for the port we listen at:
    what a machine is told of itself has no brackets, which a URL needs for IPv6."""
    admin_email: str | None = None
    admin_password: str | None = None
    secret_key: str | None = None
    old_secret_key: str | None = None
    """The one before, whose tokens still count."""
    smtp_url: str | None = None
    mail_from: str | None = None
    public_url: str | None = None
    """Where buyers reach the pages, for links in mails."""
    reminder_hours: Annotated[int, Meta(ge=0, le=720)] = 24
    """So long before an event begins its holders are reminded; 0 for never."""
    brand_name: Annotated[str, Meta(min_length=1, max_length=60)] = "Onsale"
    brand_colour: Colour | None = None
    brand_logo: str | None = None
    """The file of an image, shown instead of the name."""
    embed_origins: list[str] = []
    """Whose pages may show ours in theirs, as `https://tickets.example`."""
    images_url: str | None = None
    """An S3-compatible store for images; without it they are in the data directory."""
    s3_key_id: str | None = None
    s3_secret: str | None = None
    s3_token: str | None = None
    payments: Literal["gateway", "stripe"] | None = None
    """Who takes the money; without it nothing can be sold that has to be paid first."""
    gateway_url: str | None = None
    gateway_secret: str | None = None
    """Shared with the gateway; while it is changed the new one, a space, the old."""
    hooks_private: bool = False
    """Whether webhooks of organisers may lead to private addresses, and over HTTP."""
    stripe_key: str | None = None
    stripe_webhook_secret: str | None = None
    """Of the endpoint in Stripe's dashboard; two with a space where there are two."""
    stripe_url: str | None = None
    """Who answers in Stripe's place, for tests; needs --unsafe."""
    beacon_relays: list[str] = []
    """Who tells of rounds; without any those of quicknet that everybody may ask."""
    beacon_chain: Chain | None = None
    """Whose rounds these tell, by its hash; quicknet's without it."""
    captcha_url: str | None = None
    """Who says whether a captcha was solved, by the interface that all share."""
    captcha_secret: str | None = None
    captcha_site_key: str | None = None
    rate_limits: Literal["on", "off"] = "on"
    rate_limit_public: Allowance | None = None
    """Requests in 15 minutes, and so are the three below; see `request_limits`."""
    rate_limit_signed_in: Allowance | None = None
    rate_limit_admin: Allowance | None = None
    rate_limit_commands: Allowance | None = None
    activity_days: Annotated[int, Meta(ge=1, le=36_500)] = 400
    """How long it is kept who did what; whole months go at a time."""
    quota_venues: Allowance = DEFAULT_QUOTAS.venues
    """Of an organisation, or an account without one, and so are those below."""
    quota_events: Allowance = DEFAULT_QUOTAS.events
    quota_seats: Allowance = DEFAULT_QUOTAS.seats
    quota_map_bytes: Bytes = DEFAULT_QUOTAS.map_bytes
    quota_images: Allowance = DEFAULT_QUOTAS.images
    quota_image_bytes: Bytes = DEFAULT_QUOTAS.image_bytes
    quota_members: Allowance = DEFAULT_QUOTAS.members
    quota_keys: Allowance = DEFAULT_QUOTAS.keys
    trusted_proxies: list[str] = []
    proxy_header: ProxyHeader = "X-Forwarded-For"
    """Where these tell their client's address; no other header is looked at."""
    allowed_origins: list[str] = []
    metrics_token: MetricsToken | None = None
    """What `/metrics` is shown for; without it to everybody who can reach it."""
    unsafe: bool = False
    loop: Literal["uvloop", "asyncio"] = "uvloop"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    secret_files: dict[str, str] = {}
    """The files that settings were read from, by the names of their fields."""

    @property
    def quotas(self) -> Quotas:
        """How much of everything an organisation may have, or an account."""
        names = Quotas.__struct_fields__
        return Quotas(**{name: getattr(self, f"quota_{name}") for name in names})


NAMES: Final[dict[str, str]] = {
    **{
        f"ONSALE_{name.upper()}": name
        for name in Config.__struct_fields__
        if not name.startswith("s3_") and name != "secret_files"
    },
    "DATABASE_URL": "database_url",
    "REDIS_URL": "redis_url",
    # As all that talks to such a store calls them.
    "AWS_ACCESS_KEY_ID": "s3_key_id",
    "AWS_SECRET_ACCESS_KEY": "s3_secret",
    "AWS_SESSION_TOKEN": "s3_token",
}
"""Names in the environment, and the settings they give."""

SECRETS: Final = frozenset(
    {
        "admin_password",
        "captcha_secret",
        "database_url",
        "gateway_secret",
        "metrics_token",
        "old_secret_key",
        "redis_url",
        "s3_key_id",
        "s3_secret",
        "s3_token",
        "secret_key",
        "smtp_url",
        "stripe_key",
        "stripe_webhook_secret",
    }
)
"""Settings that are secret, or have a password in them."""

FILES: Final[dict[str, str]] = {
    f"{name}_FILE": name for name, field in NAMES.items() if field in SECRETS
}
"""Names in the environment that tell a file, and what that file holds the value of."""

SECRET_BYTES_MAX: Final = 16_384

OTHERS: Final = frozenset(
    {
        "ONSALE_POSTGRES_BIN",
        "ONSALE_POSTGRES_DIR",
        "ONSALE_VENV",
        "ONSALE_BOOTSTRAP",
    }
)
"""Names that belong to others of ours: the embedded Postgres, and dev.py."""

REDIS_LOGIN: Final = "login="
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@*\sA-Z]+")
_RELAY: Final = re.compile(r"https?://[^?#@*\s]+")
_LISTS: Final = frozenset(
    {"trusted_proxies", "allowed_origins", "embed_origins", "beacon_relays"}
)


def read_config(environment: Mapping[str, str], **given: object) -> Config:
    """Return the settings; what is `given` (not None) goes before the environment."""
    values: dict[str, object] = {}
    files: dict[str, str] = {}
    for name, value in environment.items():
        if name in FILES:
            field = NAMES[FILES[name]]
            if not value or given.get(field) is not None:
                continue
            for other in (*NAMES, *FILES):
                same = NAMES[FILES.get(other, other)] == field and other != name
                if same and environment.get(other):
                    raise ConfigError(f"{other} and {name} are both set: keep one.")
            values[field] = _read_secret(name, value)
            files[field] = value
        elif name in NAMES and value:
            field = NAMES[name]
            values[field] = (
                [part.strip() for part in value.split(",") if part.strip()]
                if field in _LISTS
                else value
            )
        elif name.startswith("ONSALE_") and name not in NAMES and name not in OTHERS:
            raise ConfigError(f"{name} is not a setting of onsale.")
    values.update({name: value for name, value in given.items() if value is not None})
    values["secret_files"] = files
    try:
        config = msgspec.convert(values, Config, strict=False)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$.")
        field = path.rstrip("`")
        names = [name for name, known in NAMES.items() if known == field]
        raise ConfigError(f"{' / '.join(names) or 'Settings'}: {detail}.") from None
    _check(config)
    return config


def read_again(config: Config) -> Config:
    """Return the settings with what the files of secrets hold now.

    Raises `ConfigError` where one cannot be read, or what is in it cannot be.
    """
    if not config.secret_files:
        return config
    names = {NAMES[name]: file for file, name in FILES.items()}
    fresh = msgspec.structs.replace(
        config,
        **{
            field: _read_secret(names[field], path)
            for field, path in config.secret_files.items()
        },
    )
    _check(fresh)
    return fresh


def _read_secret(name: str, path: str) -> str:
    """Return what a file holds, without the end of its line; no message repeats it."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(SECRET_BYTES_MAX + 1)
        text = data.decode()
    except OSError as error:
        raise ConfigError(f"{name}: {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: {path} holds no text of UTF-8.") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if len(data) > SECRET_BYTES_MAX or "\n" in text or "\0" in text or not text:
        raise ConfigError(
            f"{name}: {path} must hold one line of at most {SECRET_BYTES_MAX:,} bytes."
        )
    return text


def redis_address(config: Config) -> str | None:
    """Return where Redis is; with the file where its login stands, which may change."""
    path = config.secret_files.get("redis_url")
    if config.redis_url is None or path is None:
        return config.redis_url
    return f"{config.redis_url}#{REDIS_LOGIN}{quote(str(Path(path).absolute()))}"


def redis_login(address: str) -> str:
    """Return the address to connect to, with the login that its file has now.

    Where that cannot be read it is the login that was known before.
    """
    known, _, told = address.partition("#")
    if not told.startswith(REDIS_LOGIN):
        return address
    try:
        fresh = _read_secret("REDIS_URL_FILE", unquote(told.removeprefix(REDIS_LOGIN)))
        parts, known_parts = urlsplit(fresh), urlsplit(known)
    except (ConfigError, ValueError):
        return known
    if parts.scheme == known_parts.scheme:
        return fresh
    # One node of a cluster, whose address it told itself.
    login, at, _ = parts.netloc.rpartition("@")
    host = known_parts.netloc.rpartition("@")[2]
    return known_parts._replace(netloc=f"{login}{at}{host}").geturl()


def _check(config: Config) -> None:
    """Raise `ConfigError` for what is possible alone, but not together."""
    if (config.admin_email is None) != (config.admin_password is None):
        raise ConfigError(
            "ONSALE_ADMIN_EMAIL and ONSALE_ADMIN_PASSWORD are set together."
        )
    _check_mail(config)
    _check_images(config)
    _check_payments(config)
    _check_proxies(config)
    for name in ("allowed_origins", "embed_origins"):
        if not all(_ORIGIN.fullmatch(origin) for origin in getattr(config, name)):
            raise ConfigError(
                f"ONSALE_{name.upper()}: Expected origins as browsers write them, such"
                " as https://tickets.example; there is no sign that means all of them."
            )
    _check_beacon(config)
    _check_captcha(config)
    _check_advertise(config)
    if config.worker_port is None:
        if config.workers > 1 and config.advertise is not None:
            raise ConfigError(
                "ONSALE_ADVERTISE: several workers can be told apart only by ports of"
                " their own; set ONSALE_WORKER_PORT too."
            )
        return
    last = config.worker_port + config.workers - 1
    if last > PORT_MAX:
        raise ConfigError(
            f"ONSALE_WORKER_PORT: the last worker's port would be {last:,}."
        )
    if config.worker_port <= config.port <= last:
        raise ConfigError(
            f"ONSALE_WORKER_PORT: {config.port} is the port of all workers."
        )
    if config.advertise is None and config.host in EVERYWHERE:
        raise ConfigError(
            "ONSALE_WORKER_PORT: set ONSALE_ADVERTISE too; a server that listens on all"
            " addresses does not know which one others reach it at."
        )


def _check_beacon(config: Config) -> None:
    if not all(_RELAY.fullmatch(relay) for relay in config.beacon_relays):
        raise ConfigError(
            "ONSALE_BEACON_RELAYS: Expected addresses such as https://api.drand.sh."
        )
    if config.beacon_chain is not None and not config.beacon_relays:
        raise ConfigError("ONSALE_BEACON_CHAIN: set ONSALE_BEACON_RELAYS, too.")


def _check_captcha(config: Config) -> None:
    given = config.captcha_url, config.captcha_secret, config.captcha_site_key
    if any(one is not None for one in given) and None in given:
        raise ConfigError(
            "ONSALE_CAPTCHA_URL: set ONSALE_CAPTCHA_SECRET and"
            " ONSALE_CAPTCHA_SITE_KEY, too."
        )
    if config.captcha_url is not None and not _RELAY.fullmatch(config.captcha_url):
        raise ConfigError(
            "ONSALE_CAPTCHA_URL: Expected an address such as"
            " https://captcha.example/siteverify."
        )


def _check_advertise(config: Config) -> None:
    if config.advertise is None:
        return
    if is_address(config.advertise):
        if config.port == 0 and config.worker_port is None:
            raise ConfigError(
                "ONSALE_ADVERTISE: an address alone is told with the port we listen at;"
                " set ONSALE_PORT to one."
            )
    elif not _is_origin(config.advertise):
        raise ConfigError(
            "ONSALE_ADVERTISE: Expected an IP address or a URL of a machine, with"
            " addresses of IPv6 in brackets, such as http://onsale-1.example:8080."
        )


def _check_mail(config: Config) -> None:
    if (config.smtp_url is None) != (config.mail_from is None):
        raise ConfigError("ONSALE_SMTP_URL and ONSALE_MAIL_FROM are set together.")
    if config.mail_from is not None and not parseaddr(config.mail_from)[1].count("@"):
        raise ConfigError("ONSALE_MAIL_FROM: Expected an email address.")
    # No value is repeated: there may be a password in it.
    if config.smtp_url is not None and not _is_url(config.smtp_url, "smtp", "smtps"):
        raise ConfigError(
            "ONSALE_SMTP_URL: Expected smtp://HOST:PORT, or smtps:// for TLS from the"
            " first byte, perhaps with USER:PASSWORD@."
        )
    if config.public_url is not None and not _is_url(
        config.public_url, "http", "https"
    ):
        raise ConfigError("ONSALE_PUBLIC_URL: Expected the URL of a page.")


def _check_images(config: Config) -> None:
    if config.images_url is None:
        return
    try:
        parse_s3_url(config.images_url)
    except ValueError as error:
        raise ConfigError(
            "ONSALE_IMAGES_URL: Expected s3://BUCKET, perhaps with a folder, and behind"
            f" a `?` the endpoint and the region. {error}"
        ) from None
    if config.s3_key_id is None or config.s3_secret is None:
        raise ConfigError(
            "ONSALE_IMAGES_URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY too."
        )


def _check_payments(config: Config) -> None:
    if config.payments == "gateway" and config.gateway_url is None:
        raise ConfigError("ONSALE_PAYMENTS: set ONSALE_GATEWAY_URL too.")
    if config.gateway_url is not None and not _is_origin(config.gateway_url):
        raise ConfigError(
            "ONSALE_GATEWAY_URL: Expected the URL of a machine, such as"
            " http://127.0.0.1:8090."
        )
    if config.payments == "stripe":
        _check_stripe(config)


def _check_stripe(config: Config) -> None:
    # No value is repeated: it is a secret, or stands where one was meant to.
    key, secrets = config.stripe_key, (config.stripe_webhook_secret or "").split()
    if key is None or not re.fullmatch(r"(sk|rk)_(test|live)_[A-Za-z0-9]{8,250}", key):
        raise ConfigError(
            "ONSALE_STRIPE_KEY: Expected a secret or restricted key of Stripe's, which"
            " begins with sk_ or rk_."
        )
    fits = all(re.fullmatch(r"whsec_[!-~]{16,250}", secret) for secret in secrets)
    if not 1 <= len(secrets) <= 2 or not fits:
        raise ConfigError(
            "ONSALE_STRIPE_WEBHOOK_SECRET: Expected the signing secret of the endpoint,"
            " which begins with whsec_, or two with a space between."
        )
    if config.stripe_url is not None and not _is_origin(config.stripe_url):
        raise ConfigError(
            "ONSALE_STRIPE_URL: Expected the URL of a machine, such as"
            " http://127.0.0.1:8091."
        )


def _check_proxies(config: Config) -> None:
    try:
        parse_networks(config.trusted_proxies)
    except ValueError as error:
        raise ConfigError(f"ONSALE_TRUSTED_PROXIES: {error}.") from None


def _is_url(text: str, *schemes: str) -> bool:
    """Return whether this is a URL with a host and nothing behind a `#`."""
    try:
        parts = urlsplit(text)
        named = parts.hostname and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in schemes and bool(named) and not parts.fragment


def is_address(text: str) -> bool:
    """Return whether this is an address of IPv4 or IPv6 alone."""
    try:
        # One with a zone means something on its own machine only.
        return "%" not in str(ip_address(text))
    except ValueError:
        return False


def _is_origin(url: str) -> bool:
    """Return whether this is a URL with a host, perhaps a port, and nothing else."""
    try:
        parts = urlsplit(url)
        named = parts.hostname and parts.port != 0
    except ValueError:
        return False
    rest = (parts.path.removesuffix("/"), parts.query, parts.fragment)
    return (
        parts.scheme in {"http", "https"}
        and bool(named)
        and "@" not in parts.netloc
        and not any(rest)
        and not any(sign.isspace() for sign in url)
    )
