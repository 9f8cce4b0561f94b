"""Signs requests to S3-compatible stores (AWS Signature Version 4)."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from msgspec import Struct

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "s3"


class Credentials(Struct, frozen=True):
    """Who we are to the store."""

    key_id: str
    secret: str
    token: str | None = None


def signed_headers(
    method: str,
    host: str,
    path: str,
    body: bytes,
    credentials: Credentials,
    *,
    region: str,
    now: datetime,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the headers of a request that has no query, its signature among them.

    `path` is not quoted yet, and sent as `quote_path` has it; `now` is in UTC.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    digest = sha256(body).hexdigest()
    sent = {
        "Host": host,
        "X-Amz-Content-Sha256": digest,
        "X-Amz-Date": stamp,
        **(headers or {}),
    }
    if credentials.token is not None:
        sent["X-Amz-Security-Token"] = credentials.token
    lower = sorted((name.lower(), value.strip()) for name, value in sent.items())
    names = ";".join(name for name, _ in lower)
    lines = "".join(f"{name}:{value}\n" for name, value in lower)
    canonical = f"{method}\n{quote_path(path)}\n\n{lines}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{region}/{SERVICE}/aws4_request"
    asked = sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{asked}"
    key = f"AWS4{credentials.secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    sent["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.key_id}/{scope},"
        f"SignedHeaders={names},Signature={key.hex()}"
    )
    return sent


def quote_path(path: str) -> str:
    """Return a path as it is signed and sent."""
    return quote(path, safe="/-_.~")
