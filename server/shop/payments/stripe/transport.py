"""How the library of Stripe reaches it: by our client, which follows nobody.

The library's own client follows redirects, reads answers without an end and unpacks
what is packed. What it is given here is a JSON object of a bounded length, or an error.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Mapping
from typing import Any, Final

import aiohttp
import msgspec
import stripe

from server.transport.client.answers import read_answer

ANSWER_BYTES_MAX: Final = 1 << 20
"""A hundred sessions have a quarter of that."""

CONNECTIONS_MAX: Final = 64

_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Transport(stripe.HTTPClient):
    """Sends what the library asks; whoever asks sets the time it may take."""

    name = "aiohttp"

    def __init__(self) -> None:
        super().__init__()
        self._session: aiohttp.ClientSession | None = None

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: Any = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Return body, status and headers. Raises stripe.APIConnectionError."""
        if self._session is None:
            secure = ssl.create_default_context(cafile=stripe.ca_bundle_path)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, ssl=secure),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        try:
            async with self._session.request(
                method,
                url,
                headers={**headers, "Accept-Encoding": "identity"},
                data=post_data,
                allow_redirects=False,
            ) as response:
                body = await read_answer(response, ANSWER_BYTES_MAX)
                # The library trips over what is no text, or no object.
                body.decode()
                _object(body)
                return body, response.status, response.headers
        except (aiohttp.ClientError, OSError) as error:
            # What was sent has a key, or changes nothing: it may be sent again.
            raise _lost(type(error).__name__, again=True) from None
        except (ValueError, RecursionError):
            raise _lost("its answer cannot be read", again=False) from None

    def sleep_async(self, secs: float) -> Awaitable[None]:
        """Wait before the library asks again."""
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        """Give up connections."""
        if self._session is not None:
            await self._session.close()


def _lost(trouble: str, *, again: bool) -> stripe.APIConnectionError:
    """Return how the library is told that there is no answer."""
    made: Any = stripe.APIConnectionError
    lost: stripe.APIConnectionError = made(trouble, should_retry=again)
    return lost
