"""Where an S3-compatible store is, out of its setting."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

REGION: Final = "us-east-1"
ENDPOINT: Final = "https://s3.{region}.amazonaws.com"


class S3Url(Struct, frozen=True):
    """A bucket, perhaps a folder in it, and where it is."""

    endpoint: str
    bucket: str
    folder: str
    region: str


def parse_s3_url(url: str) -> S3Url:
    """Return what `s3://BUCKET/FOLDER?endpoint=URL&region=NAME` names.

    Raises ValueError with a sentence.
    """
    parts = urlsplit(url)
    known = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
    if parts.scheme != "s3" or not parts.hostname or "@" in parts.netloc:
        raise ValueError("Expected s3://BUCKET, perhaps with a folder.")
    region = known.pop("region", REGION)
    endpoint = known.pop("endpoint", ENDPOINT.format(region=region)).rstrip("/")
    if known:
        raise ValueError("Only endpoint and region may be told behind the `?`.")
    at = urlsplit(endpoint)
    if at.scheme not in ("http", "https") or not at.hostname or at.query or at.path:
        raise ValueError("The endpoint is no URL of a server.")
    return S3Url(endpoint, parts.netloc, parts.path.strip("/"), region)
