"""The gateway over HTTP: the interface for shops, and the page for buyers."""

from collections.abc import Awaitable, Callable, Sequence
from hmac import compare_digest
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from server.shop.payments.gateway import page
from server.shop.payments.gateway.book import Book, KeyReused, NothingLeft, Unknown
from server.shop.payments.gateway.machine import Outcome
from server.shop.payments.gateway.wire import (
    Behaviour,
    Decision,
    DecisionBody,
    DisputeBody,
    RefundBody,
    SessionAsk,
    Trouble,
)

BODY_BYTES_MAX: Final = 64 << 10
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
OUTCOMES: Final[dict[str, Outcome]] = {
    "pay": "pay",
    "decline": "decline",
    "late": "late",
}
DECISIONS: Final[dict[str, Decision]] = {
    "dispute_won": "won",
    "dispute_lost": "lost",
}

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_encode = msgspec.json.Encoder().encode


class Refused(Exception):
    """What was asked is refused, with a status and a code."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.trouble = Trouble(code=code, detail=detail)


def make_app(book: Book, secrets: Sequence[bytes]) -> web.Application:
    """Return the application; `secrets` are those that shops may show."""
    desk = Desk(book)
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_get("/livez", desk.show_alive)
    app.router.add_get("/pay/{ref}", desk.show_page)
    app.router.add_post("/pay/{ref}", desk.choose)
    for method, path, handler in (
        ("POST", "/v1/sessions", desk.open),
        ("GET", "/v1/sessions", desk.find),
        ("GET", "/v1/sessions/{ref}", desk.show),
        ("POST", "/v1/sessions/{ref}/expire", desk.expire),
        ("PUT", "/v1/sessions/{ref}/behaviour", desk.treat),
        ("POST", "/v1/refunds", desk.refund),
        ("POST", "/v1/disputes", desk.dispute),
        ("PUT", "/v1/disputes/{ref}", desk.decide),
        ("PUT", "/v1/behaviour", desk.treat_all),
    ):
        app.router.add_route(method, path, _guarded(handler, secrets))
    return app


def _guarded(handler: Handler, secrets: Sequence[bytes]) -> Handler:
    """Return a handler for those who have the secret, whose refusals are answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        fits = [compare_digest(shown.encode(), secret) for secret in secrets]
        try:
            if not any(fits):
                raise Refused(401, "unauthenticated", "The secret is needed.")
            return await handler(request)
        except Refused as refused:
            return _answer(refused.trouble, refused.status)
        except Unknown:
            return _answer(Trouble(code="not_found", detail="There is no such."), 404)
        except KeyReused:
            detail = "The same key asked for something else before."
            return _answer(Trouble(code="key_reused", detail=detail), 422)
        except NothingLeft:
            detail = "Not so much is left of what was paid."
            return _answer(Trouble(code="nothing_left", detail=detail), 409)

    return answer


class Desk:
    """Answers requests from the book."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def show_alive(self, request: web.Request) -> web.Response:
        """Say that the gateway is there."""
        return _answer({"status": "ok"})

    async def open(self, request: web.Request) -> web.Response:
        """Begin a session, or answer with the one there is."""
        return _answer(self._book.open(await _read(request, SessionAsk)))

    async def find(self, request: web.Request) -> web.Response:
        """Return the session of an attempt."""
        found = self._book.of_attempt(request.query.get("attempt", ""))
        if found is None:
            raise Unknown
        return _answer(found)

    async def show(self, request: web.Request) -> web.Response:
        """Return a session."""
        return _answer(self._book.show(request.match_info["ref"]))

    async def expire(self, request: web.Request) -> web.Response:
        """End a session where it is open."""
        return _answer(self._book.expire(request.match_info["ref"]))

    async def refund(self, request: web.Request) -> web.Response:
        """Give money back."""
        return _answer(self._book.refund(await _read(request, RefundBody)))

    async def treat(self, request: web.Request) -> web.Response:
        """Treat one session differently."""
        behaviour = await _read(request, Behaviour)
        return _answer(self._book.treat(request.match_info["ref"], behaviour))

    async def treat_all(self, request: web.Request) -> web.Response:
        """Treat sessions differently that begin from now on."""
        self._book.behaviour = await _read(request, Behaviour)
        return _answer(self._book.behaviour)

    async def dispute(self, request: web.Request) -> web.Response:
        """Let the bank of who paid doubt it."""
        return _answer(self._book.dispute(await _read(request, DisputeBody)))

    async def decide(self, request: web.Request) -> web.Response:
        """Let the bank decide on a dispute, once."""
        decided = await _read(request, DecisionBody)
        return _answer(self._book.decide(request.match_info["ref"], decided.state))

    async def show_page(self, request: web.Request) -> web.Response:
        """Show a buyer the page of a session."""
        try:
            return self._page(request.match_info["ref"])
        except Unknown:
            return _no_page()

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """Do what the buyer chose, and lead on."""
        form = await request.post()
        asked, ref = str(form.get("outcome")), request.match_info["ref"]
        outcome = OUTCOMES.get(asked)
        try:
            if asked == "dispute" or asked in DECISIONS:
                return self._doubt(ref, DECISIONS.get(asked), request.path)
            if outcome is None:
                return self._page(ref, status=400)
            before = self._book.session(ref)
            one = self._book.choose(ref, outcome)
        except Unknown:
            return _no_page()
        if one.state in ("captured", "processing") and outcome == "pay":
            # A second click is answered as the first one was.
            raise web.HTTPSeeOther(one.ask.success, headers=HEADERS)
        if one == before:
            return self._page(ref, status=409)
        # A page of its own, which may be loaded again without choosing again.
        raise web.HTTPSeeOther(request.path, headers=HEADERS)

    def _doubt(self, ref: str, to: Decision | None, path: str) -> web.Response:
        """Let a bank dispute what is left of a payment, or decide on what it disputes.

        Raises Unknown.
        """
        doubted = [one for one in self._book.disputes(ref) if one.state == "open"]
        try:
            if to is None and not doubted:
                self._book.dispute(DisputeBody(session=ref))
            elif to is not None and doubted:
                self._book.decide(doubted[0].ref, to)
            else:
                return self._page(ref, status=409)
        except NothingLeft:
            return self._page(ref, status=409)
        raise web.HTTPSeeOther(path, headers=HEADERS)

    def _page(self, ref: str, status: int = 200) -> web.Response:
        """Return the page of a session. Raises Unknown."""
        one, doubts = self._book.session(ref), self._book.disputes(ref)
        headers = {**HEADERS, "Content-Security-Policy": page.policy_of(one)}
        return web.Response(
            text=page.render(one, doubts),
            status=status,
            content_type="text/html",
            headers=headers,
        )


async def _read(request: web.Request, kind: type[T]) -> T:
    """Return what a body asks for."""
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(422, "bad_field", str(error)) from None


def _answer(document: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=_encode(document),
        status=status,
        content_type="application/json",
        headers=HEADERS,
    )


def _no_page() -> web.Response:
    return web.Response(
        text=page.render_unknown(),
        status=404,
        content_type="text/html",
        headers={**HEADERS, "Content-Security-Policy": page.PLAIN_POLICY},
    )
