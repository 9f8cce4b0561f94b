"""One request as handlers see it: who asks, what was sent, and how to answer."""

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from inventory import limits
from inventory.faults import Faults
from persistence.errors import Revisions
from server.base.identity import Identity
from server.base.refusals.refusals import ProblemType
from server.transport.http import etags
from server.transport.http.problems import UNAUTHENTICATED, ProblemError, bad_field
from server.transport.mail.languages import preferred
from server.transport.rest.bodies import (
    BODY_BYTES_MAX,
    decode,
    decode_faulty,
    is_clean,
    read_body,
)

T = TypeVar("T")

CACHE_ASK: str = "private, no-cache"
"""May be kept, but is asked about each time: what is on sale changes by the second."""


class Call:
    """One request, already let in."""

    __slots__ = ("client", "identity", "request")

    def __init__(
        self,
        request: web.Request,
        identity: Identity | None,
        client: str,
    ) -> None:
        self.request = request
        self.identity = identity
        self.client = client
        """The client's address, as limits count it."""

    def __getitem__(self, key: web.AppKey[T]) -> T:
        """Return a part of the application."""
        return self.request.app[key]

    def find(self, key: web.AppKey[T]) -> T | None:
        """Return a part of the application; None where it is not in use."""
        return self.request.app.get(key)

    @property
    def who(self) -> Identity:
        """Who asks; for routes that nobody calls anonymously."""
        if self.identity is None:
            raise ProblemError(UNAUTHENTICATED)
        return self.identity

    @property
    def organizer(self) -> bool:
        """Whether an organiser asks."""
        return self.identity is not None and self.identity.organizer

    @property
    def key(self) -> str | None:
        """The request's idempotency key; raises `ProblemError` for what can be none."""
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return None
        if not 1 <= len(key) <= limits.KEY_LENGTH_MAX or not is_clean(key):
            raise bad_field(
                "Idempotency-Key", f"1 to {limits.KEY_LENGTH_MAX} characters."
            )
        return key

    @property
    def seen(self) -> Revisions:
        """The revisions that the request's `If-Match` names; None where any will do."""
        return etags.revisions_of(self.request.headers.get("If-Match"))

    @property
    def locale(self) -> str:
        """The locale that the client speaks, and mails too; empty where none is."""
        return preferred(self.request.headers.get("Accept-Language", ""))

    def path(self, name: str, missing: ProblemType) -> str:
        """Return a part of the path; text that cannot be an id names nothing."""
        text = self.request.match_info[name]
        if len(text) > limits.ID_LENGTH_MAX or not is_clean(text):
            raise ProblemError(missing)
        return text

    async def body(self, body_type: type[T], bytes_max: int = BODY_BYTES_MAX) -> T:
        """Return the checked body."""
        return decode(await read_body(self.request, bytes_max), body_type)

    async def faulty_body(self, body_type: type[T]) -> tuple[T, Faults]:
        """Return the body and what is wrong with it, for handlers that know more."""
        return decode_faulty(await read_body(self.request), body_type)

    def read(
        self,
        answer: object,
        etag: str | None = None,
        cache_control: str = CACHE_ASK,
        revision: int = 0,
    ) -> web.Response:
        """Answer a read: with its tag, or with 304 where the client has it already.

        `revision` is that of what may be edited of it.
        """
        body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        tag = etags.of_body(body, revision) if etag is None else etag
        headers = {"ETag": tag, "Cache-Control": cache_control}
        if etags.matches(self.request.headers.get("If-None-Match"), tag):
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)

    def answer(
        self,
        answer: Any,
        status: int = 200,
        headers: dict[str, str] | None = None,
        revision: int | None = None,
    ) -> web.Response:
        """Answer a write, or a read whose answer nobody may keep.

        With a `revision` it is the document that a read would show, with its tag: who
        edits it further need not read it again.
        """
        body = msgspec.json.encode(answer)
        told = {"Cache-Control": "no-store", **(headers or {})}
        if revision is not None:
            told["ETag"] = etags.of_body(body, revision)
        return web.Response(
            body=body, status=status, content_type="application/json", headers=told
        )

    def done(self) -> web.Response:
        """Answer a write that leaves nothing to show."""
        return web.Response(status=204, headers={"Cache-Control": "no-store"})
