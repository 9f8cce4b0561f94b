"""Files in an S3-compatible store, over signed requests of our own.

Three kinds of request are all we need of S3; the libraries for it bring a hundred times
that, and pin the HTTP client that they share with us.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import aiohttp
from yarl import URL

from server.base.s3_url import S3Url
from server.events.images.signing import Credentials, quote_path, signed_headers
from server.events.images.stores import StoreUnavailable

TIMEOUT_S: Final = 10.0
FILE_BYTES_MAX: Final = 16 << 20
IMMUTABLE: Final = "public, max-age=31536000, immutable"


class S3Store:
    """Keeps files in a bucket; each request is tried twice."""

    def __init__(
        self,
        place: S3Url,
        credentials: Credentials,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._place = place
        self._credentials = credentials
        self._now = now
        self._session: aiohttp.ClientSession | None = None

    async def put(self, name: str, data: bytes) -> None:
        """Keep a file."""
        headers = {"Cache-Control": IMMUTABLE, "Content-Type": "image/webp"}
        status, _ = await self._ask("PUT", name, data, headers)
        if status != 200:
            raise StoreUnavailable(f"the store answered {status} to a file")

    async def get(self, name: str) -> bytes | None:
        """Return a file, None where there is none."""
        status, body = await self._ask("GET", name)
        if status == 404:
            return None
        if status != 200:
            raise StoreUnavailable(f"the store answered {status}")
        return body

    async def delete(self, name: str) -> None:
        """Remove a file."""
        status, _ = await self._ask("DELETE", name)
        if status not in (200, 204, 404):
            raise StoreUnavailable(f"the store answered {status} to a removal")

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()

    async def _ask(
        self,
        method: str,
        name: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Send a request, and once more where it failed: each may be repeated."""
        failed = ""
        for _ in range(2):
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    status, answer = await self._send(method, name, body, headers)
                if status < 500:
                    return status, answer
                failed = f"the store answered {status}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                failed = repr(error)
        raise StoreUnavailable(failed)

    async def _send(
        self, method: str, name: str, body: bytes, headers: dict[str, str] | None
    ) -> tuple[int, bytes]:
        place = self._place
        path = "/".join(filter(None, ("", place.bucket, place.folder, name)))
        path = path if path.startswith("/") else f"/{path}"
        url = URL(place.endpoint + quote_path(path), encoded=True)
        port = "" if url.is_default_port() else f":{url.port}"
        signed = signed_headers(
            method,
            f"{url.host}{port}",
            path,
            body,
            self._credentials,
            region=place.region,
            now=self._now(),
            headers=headers,
        )
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        async with self._session.request(
            method, url, data=body or None, headers=signed, allow_redirects=False
        ) as response:
            answer = await response.content.read(FILE_BYTES_MAX)
            while len(answer) < FILE_BYTES_MAX and not response.content.at_eof():
                answer += await response.content.read(FILE_BYTES_MAX - len(answer))
            return response.status, answer
