"""TLS to each neighbour, with certificates of an authority of the test's own.

Our own Postgres and Valkey are built without TLS: they are reached through a front that
has it. Where this machine has a Postgres of its own with TLS, that is tried, too.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from persistence.embedded.account import choose_account
from persistence.embedded.binaries import DEBIAN
from persistence.errors import Unavailable, Unsent
from persistence.mail import Outbox
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.connection import Connection
from persistence.postgres.pool import Pool
from server.people.notices.composer import NoticeComposer
from server.transport.bus.bus import BusError
from server.transport.bus.redis_bus import RedisBus
from server.transport.mail.sender import MailSender
from tests.cluster.conftest import RedisServer
from tests.contract.process import REPOSITORY
from tests.persistence.persons import ANNA, accounts_of, mail
from tests.scratch import make_folder
from tests.tls import HOST, Authority, Front

SECRET = b"the secret of one cluster of the tests"
SENDER = "tickets@example.org"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """Give one whose word nobody here believes."""
    return Authority(tmp_path / "theirs", "somebody else")


# -- Postgres


@pytest.fixture
async def postgres(authority: Authority, database_url: str) -> AsyncIterator[Front]:
    parts = urlsplit(database_url)
    told = parse_qs(parts.query)
    path = f"{told['host'][0]}/.s.PGSQL.{told['port'][0]}"
    async with Front(
        authority, lambda: asyncio.open_unix_connection(path), postgres=True
    ) as front:
        yield front


def address(front: Front, database_url: str, mode: str, ca: Path | None = None) -> str:
    database = urlsplit(database_url).path
    root = "" if ca is None else f"&sslrootcert={quote(str(ca))}"
    return f"postgresql://postgres@{HOST}:{front.port}{database}?sslmode={mode}{root}"


async def ask_both(url: str) -> None:
    """Ask over the pool and as the journal does; raises `Unavailable` or `Unsent`."""
    connection = Connection(url, "tests", DatabaseClock())
    try:
        await connection.call("SELECT clock_ms() AS now_ms")
    finally:
        await connection.close()
    pool = await Pool.open(url)
    try:
        assert await pool.fetch("SELECT 1 AS one")
    finally:
        await pool.close()


@pytest.mark.postgres
@pytest.mark.attack
async def test_a_database_is_believed_by_its_certificate(
    postgres, authority, stranger, database_url
):
    """With verify-full a database with another certificate gets no word of ours."""
    await ask_both(address(postgres, database_url, "verify-full", authority.ca))
    assert postgres.secured == 2
    wrong = address(postgres, database_url, "verify-full", stranger.ca)
    with pytest.raises(Unsent):
        await ask_both(wrong)
    with pytest.raises(Unavailable):
        await Pool.open(wrong)
    # Another name than the certificate has.
    named = address(postgres, database_url, "verify-full", authority.ca)
    with pytest.raises(Unavailable):
        await Pool.open(named.replace(HOST, "localhost"))
    assert postgres.secured == 2


@pytest.mark.postgres
async def test_a_database_that_takes_tls_only_is_not_asked_in_the_open(
    postgres, database_url
):
    with pytest.raises(Unavailable):
        await Pool.open(address(postgres, database_url, "disable"))
    # It encrypts, and believes anybody: no answer to who stands in between.
    await ask_both(address(postgres, database_url, "require"))
    assert postgres.secured == 2


def debian_postgres() -> Path | None:
    """Return the newest Postgres of this machine that has TLS."""
    for binaries in sorted(DEBIAN.glob("*/bin"), reverse=True):
        libraries = subprocess.run(
            ["ldd", binaries / "postgres"], capture_output=True, check=False
        )
        if b"libssl" in libraries.stdout and (binaries / "initdb").exists():
            return binaries
    return None


@pytest.fixture
def real_postgres(authority: Authority) -> Iterator[int]:
    binaries = debian_postgres()
    if binaries is None:
        pytest.skip("no Postgres with TLS on this machine; ours is built without")
    account = choose_account(None)
    folder = make_folder("tls")
    data = folder / "data"
    account.give(data)
    done = account.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "-N"]
    )
    assert done.returncode == 0, done.stdout
    for name in ("certificate", "key"):
        copy = data / name
        copy.write_bytes(getattr(authority, name).read_bytes())
        copy.chmod(0o600)
        os.chown(copy, account.uid, account.gid)
    (data / "pg_hba.conf").write_text(f"hostssl all all {HOST}/32 trust\n")
    port = _free_port()
    settings = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "ssl": "on",
        "ssl_cert_file": "certificate",
        "ssl_key_file": "key",
        "fsync": "off",
    }
    words = [word for n, v in settings.items() for word in ("-c", f"{n}={v}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *words],
            stdout=log,
            stderr=log,
            **account.process_options(),
        )
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    import socket

    with socket.create_server((HOST, 0)) as found:
        return int(found.getsockname()[1])


async def test_a_real_postgres_with_tls_is_believed_by_its_certificate(
    real_postgres: int, authority, stranger
):
    base = f"postgresql://postgres@{HOST}:{real_postgres}/postgres?sslmode="
    url = f"{base}verify-full&sslrootcert={quote(str(authority.ca))}"
    pool = None
    while pool is None:
        with contextlib.suppress(Unavailable):  # It starts.
            pool = await Pool.open(url)
    rows = await pool.fetch("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    await pool.close()
    assert [row["ssl"] for row in rows] == [True]
    for refused in (
        f"{base}verify-full&sslrootcert={quote(str(stranger.ca))}",
        f"{base}disable",
    ):
        with pytest.raises(Unavailable):
            await Pool.open(refused)


# -- Redis


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer("--requirepass", "hunter2").start()
    yield server
    server.remove()


@pytest.mark.redis
@pytest.mark.attack
async def test_a_redis_is_believed_by_its_certificate(redis, authority, stranger):
    """With rediss:// a Redis with another certificate is told no password."""
    async with Front(
        authority, lambda: asyncio.open_unix_connection(str(redis.socket))
    ) as front:

        def bus(ca: Path | None, host: str = HOST) -> RedisBus:
            root = "" if ca is None else f"?ssl_ca_certs={quote(str(ca))}"
            url = f"rediss://:hunter2@{host}:{front.port}/0{root}"
            return RedisBus(url, "onsale:tests", SECRET)

        ours = bus(authority.ca)
        await ours.start()
        assert ours.status == "ok"
        assert front.secured == 2
        await ours.close()
        # Of somebody else, of nobody that this machine knows, of another name.
        for wrong in (bus(stranger.ca), bus(None), bus(authority.ca, "localhost")):
            with pytest.raises(BusError, match="cannot be reached") as caught:
                await wrong.start()
            assert "certificate" in str(caught.value).lower()
            assert "hunter2" not in str(caught.value)
        assert front.secured == 2


# -- Mail


class MailBox:
    """Takes a mail from who knows the password."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.logins = 0

    async def handle_DATA(self, server: object, session: object, envelope) -> str:
        self.taken.append(envelope.content)
        return "250 taken"

    def authenticate(self, *_: object) -> AuthResult:
        self.logins += 1
        return AuthResult(success=True)


def _at_any_port(box: MailBox, authority: Authority, *, from_first: bool) -> Controller:
    context = authority.context()

    class AnyPort(Controller):
        def factory(self) -> SMTP:
            return SMTP(
                box,
                tls_context=None if from_first else context,
                require_starttls=not from_first,
                authenticator=box.authenticate,
                auth_require_tls=not from_first,
            )

    return AnyPort(
        box,
        hostname=HOST,
        port=_free_port(),
        ssl_context=context if from_first else None,
    )


@pytest.mark.postgres
@pytest.mark.attack
@pytest.mark.parametrize("from_first", [True, False], ids=["smtps", "starttls"])
async def test_a_mail_server_is_believed_by_its_certificate(
    database_url, authority, stranger, from_first, monkeypatch
):
    """A mail server with another certificate is told no password and given no mail."""
    box = MailBox()
    controller = _at_any_port(box, authority, from_first=from_first)
    # Its own first try to connect has to believe it.
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    await asyncio.to_thread(controller.start)
    pool = await Pool.open(database_url)
    try:
        await accounts_of(pool).create(ANNA, [mail("m1")])
        scheme = "smtps" if from_first else "smtp"
        url = f"{scheme}://user:hunter2@{HOST}:{controller.port}"
        sender = MailSender(Outbox(pool), url, SENDER)
        sender.composer = NoticeComposer(cast(Any, None), None)
        for ca in (stranger.ca, Path("/dev/null")):
            monkeypatch.setenv("SSL_CERT_FILE", str(ca))
            await pool.fetch("UPDATE mail SET due_at = now()")
            await sender.send_due()
            assert sender.status == "degraded"
            assert (box.taken, box.logins) == ([], 0)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
        await pool.fetch("UPDATE mail SET due_at = now()")
        await sender.send_due()
        assert sender.status == "ok"
        assert len(box.taken) == 1
        assert box.logins == 1
    finally:
        await pool.close()
        await asyncio.to_thread(controller.stop)


# -- The store for images

STORE = """
import asyncio, sys
from server.base.s3_url import parse_s3_url
from server.events.images.s3 import S3Store
from server.events.images.signing import Credentials
from server.events.images.stores import StoreUnavailable

async def main():
    store = S3Store(parse_s3_url(sys.argv[1]), Credentials("id", "secret"))
    try:
        await store.put("a", b"image")
    except StoreUnavailable as error:
        print("refused", error)
    else:
        print("taken")
    finally:
        await store.close()

asyncio.run(main())
"""


@pytest.mark.attack
async def test_a_store_is_believed_by_its_certificate(authority, stranger):
    """A store for images with another certificate is shown no request of ours."""
    asked: list[bytes] = []

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0, ssl=authority.context())
    port = server.sockets[0].getsockname()[1]
    said = []
    for ca in (stranger.ca, authority.ca):
        # Which authorities count is read when a process begins.
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-c",
                STORE,
                f"s3://bucket?endpoint=https://{HOST}:{port}",
            ),
            cwd=REPOSITORY,
            env={**os.environ, "SSL_CERT_FILE": str(ca)},
            stdout=asyncio.subprocess.PIPE,
        )
        said.append((await process.communicate())[0].decode().split()[0])
    server.close()
    assert said == ["refused", "taken"]
    assert len(asked) == 1
