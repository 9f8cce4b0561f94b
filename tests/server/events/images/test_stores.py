"""Files are kept, given back and removed, wherever they are."""

import asyncio
import contextlib
import re
import stat
from datetime import datetime

import pytest
from aiohttp import web

from server.base.s3_url import parse_s3_url
from server.events.images.s3 import S3Store
from server.events.images.signing import Credentials, signed_headers
from server.events.images.stores import DirectoryStore, StoreUnavailable

WHO = Credentials("key", "a secret")
NAME = "ab/img_1-large.webp"


class Bucket:
    """As much of S3 as is asked of it: it checks each signature, and may be ill."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.ill = 0
        self.silent = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.method)
        body = await request.read()
        if self.silent:
            await asyncio.sleep(60)
        if self.ill:
            self.ill -= 1
            return web.Response(status=503)
        if not self.is_signed(request, body):
            return web.Response(status=403)
        path = request.path
        if request.method == "PUT":
            self.files[path] = body
            self.headers[path] = dict(request.headers)
            return web.Response()
        if request.method == "DELETE":
            self.files.pop(path, None)
            return web.Response(status=204)
        if path not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[path])

    def is_signed(self, request: web.Request, body: bytes) -> bool:
        told = request.headers["Authorization"]
        found = re.search(r"SignedHeaders=([a-z0-9;-]+)", told)
        assert found is not None
        names = set(found[1].split(";")) - {
            "host",
            "x-amz-content-sha256",
            "x-amz-date",
        }
        stamp = request.headers["X-Amz-Date"].replace("Z", "+0000")
        return told == signed_headers(
            request.method,
            request.headers["Host"],
            request.path,
            body,
            WHO,
            region="moon",
            now=datetime.strptime(stamp, "%Y%m%dT%H%M%S%z"),
            headers={name: request.headers[name] for name in names},
        ).pop("Authorization")


@contextlib.asynccontextmanager
async def served(bucket):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", bucket.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def s3(bucket, who=WHO, folder="/folder"):
    async with served(bucket) as url:
        place = parse_s3_url(f"s3://shop{folder}?endpoint={url}&region=moon")
        store = S3Store(place, who)
        try:
            yield store
        finally:
            await store.close()


@contextlib.asynccontextmanager
async def directory(path):
    yield DirectoryStore(path / "images")


@pytest.mark.parametrize("kind", ["directory", "s3"])
async def test_a_file_is_kept_until_it_is_removed(kind, tmp_path):
    made = directory(tmp_path) if kind == "directory" else s3(Bucket())
    async with made as store:
        assert await store.get(NAME) is None
        await store.delete(NAME)
        for data in (b"first", b"second" * 100_000):
            await store.put(NAME, data)
            assert await store.get(NAME) == data
        await store.put("ab/other", b"")
        await store.delete(NAME)
        assert await store.get(NAME) is None
        assert await store.get("ab/other") == b""
        await store.close()


async def test_files_on_disk_are_ours_alone_and_leave_nothing(tmp_path):
    store = DirectoryStore(tmp_path / "data" / "images")
    await store.put(NAME, b"x")
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "data" / "images").rglob("*")
    }
    assert modes == {"ab": 0o700, "img_1-large.webp": 0o600}
    await store.delete(NAME)
    assert list((tmp_path / "data" / "images").iterdir()) == []


async def test_a_directory_that_is_none_is_told(tmp_path):
    (tmp_path / "images").write_text("a file")
    store = DirectoryStore(tmp_path / "images")
    with pytest.raises(StoreUnavailable):
        await store.put(NAME, b"x")
    with pytest.raises(StoreUnavailable):
        await store.get(NAME)


async def test_a_store_keeps_a_file_where_it_is_told_to(tmp_path):
    bucket = Bucket()
    async with s3(bucket) as store:
        await store.put(NAME, b"x")
    assert list(bucket.files) == [f"/shop/folder/{NAME}"]
    headers = bucket.headers[f"/shop/folder/{NAME}"]
    assert headers["Content-Type"] == "image/webp"
    assert "immutable" in headers["Cache-Control"]
    async with s3(bucket, folder="") as store:
        await store.put(NAME, b"y")
    assert bucket.files[f"/shop/{NAME}"] == b"y"


async def test_one_failure_of_a_store_is_forgiven():
    bucket = Bucket()
    async with s3(bucket) as store:
        bucket.ill = 1
        await store.put(NAME, b"x")
        bucket.ill = 2
        for ask in (store.put(NAME, b"x"), store.get(NAME), store.delete(NAME)):
            bucket.ill = 2
            with pytest.raises(StoreUnavailable):
                await ask
    assert bucket.asked == [
        "PUT",
        "PUT",
        "PUT",
        "PUT",
        "GET",
        "GET",
        "DELETE",
        "DELETE",
    ]


async def test_a_store_that_says_nothing_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr("server.events.images.s3.TIMEOUT_S", 0.05)
    bucket = Bucket()
    bucket.silent = True
    async with s3(bucket) as store:
        with pytest.raises(StoreUnavailable, match="Timeout"):
            await store.get(NAME)


async def test_who_is_a_stranger_to_the_store_learns_it():
    async with s3(Bucket(), Credentials("key", "another secret")) as store:
        for ask in (store.put(NAME, b"x"), store.get(NAME), store.delete(NAME)):
            with pytest.raises(StoreUnavailable, match="403"):
                await ask
