"""Certificates of an authority of the test's own, and TLS in front of what has none."""

import asyncio
import datetime
import ipaddress
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
SSL_REQUEST = struct.pack("!ii", 8, 80_877_103)
"""How a client of Postgres asks for TLS, before anything else."""

Reach = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Authority:
    """Signs the certificate of one server at `HOST`; all of it lies in a folder."""

    def __init__(self, folder: Path, name: str = "an authority of the tests") -> None:
        folder.mkdir(exist_ok=True)
        self.ca = folder / "ca.pem"
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        key, subject = ec.generate_private_key(ec.SECP256R1()), _name(name)
        root = _begun(subject, subject, key.public_key())
        root = root.add_extension(x509.BasicConstraints(True, 0), critical=True)
        root = root.add_extension(_usage(signs=True), critical=True)
        self.ca.write_bytes(_pem(root.sign(key, hashes.SHA256())))
        own = ec.generate_private_key(ec.SECP256R1())
        signed = _begun(_name("a server"), subject, own.public_key())
        at = x509.IPAddress(ipaddress.ip_address(HOST))
        signed = signed.add_extension(x509.SubjectAlternativeName([at]), critical=False)
        signed = signed.add_extension(x509.BasicConstraints(False, None), critical=True)
        signed = signed.add_extension(_usage(signs=False), critical=True)
        self.certificate.write_bytes(_pem(signed.sign(key, hashes.SHA256())))
        self.key.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.key.chmod(0o600)

    def context(self) -> ssl.SSLContext:
        """Return what a server with the certificate needs."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.certificate, self.key)
        return made


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


class Front:
    """Takes TLS at a port of `HOST`, and passes on what it hears to who has none.

    As Postgres it first hears whether a client wants TLS, and takes nobody else.
    """

    def __init__(
        self, authority: Authority, reach: Reach, *, postgres: bool = False
    ) -> None:
        self._context = authority.context()
        self._reach = reach
        self._postgres = postgres
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.secured = 0
        """How many connections were encrypted."""

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> "Front":
        context = None if self._postgres else self._context
        self._server = await asyncio.start_server(self._take, HOST, 0, ssl=context)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._postgres:
                if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST:
                    return  # As a server does whose every line says `hostssl`.
                writer.write(b"S")
                await writer.start_tls(self._context)
            self.secured += 1
            there = await self._reach()
            await _pump(reader, writer, *there)
        except (OSError, asyncio.IncompleteReadError):
            pass  # A client that does not trust us is gone.
        finally:
            writer.transport.abort()


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there_reader: asyncio.StreamReader,
    there_writer: asyncio.StreamWriter,
) -> None:
    async def one_way(
        source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()

    ways = {
        asyncio.create_task(one_way(reader, there_writer)),
        asyncio.create_task(one_way(there_reader, writer)),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        there_writer.transport.abort()
