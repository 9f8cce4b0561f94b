"""nginx with our example of a proxy, before a real server."""

import datetime
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
NAME = "localhost"
START_S_MAX = 60.0
# What stands around the example on a usual machine, with our own places.
AROUND = """
daemon off;
master_process on;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/onsale.conf;
}}
"""


def find_nginx() -> str | None:
    """Return the program, if there is one: of TEST_NGINX, else of the system."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin"
    return os.environ.get("TEST_NGINX") or shutil.which("nginx", path=path)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_certificate(folder: Path) -> None:
    """Write a certificate of our own for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(made.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


class Proxy:
    """A running nginx."""

    def __init__(self, folder: Path, port: int, plain_port: int) -> None:
        self.folder = folder
        self.port = port
        self.plain_port = plain_port
        self.host = f"{NAME}:{port}"
        self.tls = ssl.create_default_context(cafile=folder / "fullchain.pem")

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        client: str = "127.0.0.1",
    ) -> tuple[HTTPResponse, bytes]:
        """Send a request with exactly this path, from an address of this machine."""
        connection = HTTPSConnection(
            NAME, self.port, context=self.tls, timeout=60, source_address=(client, 0)
        )
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


def write_configuration(folder: Path, server: str, port: int, plain_port: int) -> Path:
    """Write the example with our own addresses and certificate in it."""
    text = EXAMPLE.read_text()
    for theirs, ours in {
        "server 127.0.0.1:8080;": f"server {server.removeprefix('http://')};",
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "    listen [::]:80;\n": "",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "    listen [::]:443 ssl;\n": "",
        "/etc/ssl/onsale/": f"{folder}/",
        "tickets.example": NAME,
    }.items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    (folder / "onsale.conf").write_text(text)
    configuration = folder / "nginx.conf"
    configuration.write_text(AROUND.format(folder=folder))
    return configuration


@contextmanager
def proxying(nginx: str, folder: Path, server: str) -> Iterator[Proxy]:
    """Run nginx before the server at this URL; end it afterwards."""
    make_certificate(folder)
    port, plain_port = free_port(), free_port()
    configuration = write_configuration(folder, server, port, plain_port)
    command = [nginx, "-e", str(folder / "error.log"), "-p", str(folder)]
    process = subprocess.Popen([*command, "-c", str(configuration)])
    try:
        wait_until_listening(process, port, folder)
        yield Proxy(folder, port, plain_port)
    finally:
        process.terminate()
        process.wait(20)


def wait_until_listening(
    process: "subprocess.Popen[bytes]", port: int, folder: Path
) -> None:
    """Return when somebody listens there; raise where nginx has ended instead."""
    deadline = time.monotonic() + START_S_MAX
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise RuntimeError((folder / "error.log").read_text())
