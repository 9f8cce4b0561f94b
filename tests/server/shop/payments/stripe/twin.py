"""A twin of Stripe on loopback: what a checkout needs of its API, with its manners.

It takes forms and answers in the shapes of Stripe's API, keeps answers under keys (its
own accidents, too), forgets keys when told to, signs webhooks by the official library,
searches late, takes refunds that fail after a while, and has banks that doubt.
"""

import itertools
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import stripe
from aiohttp import web

KEY = "sk_test_51TwinTwinTwinTwin"
SECRET = "whsec_4Kq0Zr8Yw2Xn6Tb1Lm9Ps3Vd7Hf5"
OTHER_SECRET = "whsec_9Xb2Mn5Qw8Er1Ty4Ui7Op0As3Df6"
VERSION = "2026-10-28.endive"
HALF_HOUR_S = 1_800


class StripeTwin:
    """What Stripe knows."""

    def __init__(self) -> None:
        self.url = ""
        self.sessions: dict[str, dict[str, Any]] = {}
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        self.kept: dict[str, tuple[dict[str, str], int, Any]] = {}
        """Answers by key, with what was asked."""
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        """Method, path, form or query, and key."""
        self.accidents: list[tuple[int, str, bool]] = []
        """What befalls the next questions that change something: status, code, and
        whether it is done all the same."""
        self.unindexed: set[str] = set()
        """Intents that the search does not find yet."""
        self.away = False
        self.shows_disputes = True
        """False where the key may not read them."""
        self.refund_status = "succeeded"
        self.page = 100
        self._numbers = itertools.count(1)

    # What buyers, sellers and time do

    def pay(self, session: str, **more: Any) -> None:
        """Pay on the page of a session, as a buyer does."""
        one = self.sessions[session]
        assert one["status"] == "open", one["status"]
        intent = self.begin(session)
        intent.update(status="succeeded", amount_received=one["amount_total"])
        one.update(status="complete", payment_status="paid", url=None, **more)

    def begin(self, session: str) -> dict[str, Any]:
        """Begin to pay: only then is there something that moves money."""
        one = self.sessions[session]
        intent = self._new(
            "pi_",
            self.intents,
            object="payment_intent",
            amount=one["amount_total"],
            amount_received=0,
            currency=one["currency"],
            status="requires_action",
            metadata=one["_intent_metadata"],
            latest_charge=f"ch_{session}",
            livemode=False,
        )
        one["payment_intent"] = intent["id"]
        return intent

    def forget_keys(self) -> None:
        """Forget all keys, as after a day."""
        self.kept.clear()

    def refund_in_dashboard(self, session: str, amount: int) -> dict[str, Any]:
        """Give money back by hand."""
        return self._refund(self.sessions[session]["payment_intent"], amount, {})

    def dispute(self, session: str, amount: int | None = None) -> dict[str, Any]:
        """Doubt a payment, as a bank does; how it ends is its `status`."""
        intent = self.intents[self.sessions[session]["payment_intent"]]
        return self._new(
            "du_",
            self.disputes,
            object="dispute",
            amount=intent["amount"] if amount is None else amount,
            charge=intent["latest_charge"],
            currency=intent["currency"],
            evidence={},
            is_charge_refundable=False,
            metadata={},
            payment_intent=intent["id"],
            reason="fraudulent",
            status="needs_response",
        )

    def event(self, kind: str, about: dict[str, Any]) -> bytes:
        """Return a message as it is sent."""
        body = {
            "id": f"evt_{next(self._numbers):024}",
            "object": "event",
            "api_version": VERSION,
            "created": int(time.time()),
            "data": {"object": _shown(about)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        return json.dumps(body).encode()

    # What it answers

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        given = form or dict(request.query)
        key = request.headers.get("Idempotency-Key", "")
        self.asked.append((request.method, request.path, given, key))
        if self.away:
            return web.Response(status=503, text="<html>")
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _problem(401, "invalid_request_error", "")
        if request.method == "GET":
            status, body = self._do(request, given)
            return web.json_response(body, status=status)
        if key in self.kept:
            asked, status, body = self.kept[key]
            if asked != given:
                return _problem(400, "idempotency_error", "")
            told = {"Idempotent-Replayed": "true", "Stripe-Should-Retry": "false"}
            return web.json_response(body, status=status, headers=told)
        status, body = self._do_or_not(request, given)
        if status not in (401, 409, 429):
            self.kept[key] = given, status, body
        return web.json_response(
            body, status=status, headers={"Stripe-Should-Retry": "false"}
        )

    def _do_or_not(self, request: web.Request, given: dict[str, str]) -> Any:
        if not self.accidents:
            return self._do(request, given)
        status, code, done = self.accidents.pop(0)
        if done:
            self._do(request, given)
        return status, _error("api_error" if status >= 500 else "card_error", code)

    def _do(self, request: web.Request, given: dict[str, str]) -> tuple[int, Any]:
        method, path = request.method, request.path
        match method, path.removeprefix("/v1/").split("/"):
            case "POST", ["checkout", "sessions"]:
                return self._open(given)
            case "GET", ["checkout", "sessions"]:
                return self._list(list(self.sessions.values()), given)
            case "GET", ["checkout", "sessions", ref] if ref in self.sessions:
                return 200, self._expanded(self.sessions[ref], given)
            case "POST", ["checkout", "sessions", ref, "expire"]:
                return self._expire(ref)
            case "GET", ["payment_intents", "search"]:
                return self._search(given["query"])
            case "POST", ["refunds"]:
                return self._give_back(given)
            case "GET", ["refunds"]:
                return self._list(list(self.refunds.values()), given)
            case "GET", ["disputes"] if not self.shows_disputes:
                return 403, _error("invalid_request_error", "")
            case "GET", ["disputes"]:
                return self._list(list(self.disputes.values()), given)
            case _:
                return 404, _error("invalid_request_error", "resource_missing")

    def _open(self, given: dict[str, str]) -> tuple[int, Any]:
        price = "line_items[0][price_data]"
        now = int(time.time())
        expires = int(given["expires_at"])
        if not now + HALF_HOUR_S <= expires <= now + 86_400:
            return 400, _error("invalid_request_error", "parameter_invalid_integer")
        email = given.get("customer_email")
        if email is not None and not re.fullmatch(r"[!-~]+@[!-~]+", email):
            return 400, _error("invalid_request_error", "email_invalid")
        amount = int(given[f"{price}[unit_amount]"])
        session = self._new(
            "cs_test_",
            self.sessions,
            object="checkout.session",
            adaptive_pricing={"enabled": given["adaptive_pricing[enabled]"] == "true"},
            amount_subtotal=amount,
            amount_total=amount,
            cancel_url=given["cancel_url"],
            client_reference_id=given["client_reference_id"],
            currency=given[f"{price}[currency]"],
            customer_email=email,
            expires_at=expires,
            livemode=False,
            metadata=_marks(given, "metadata"),
            mode=given["mode"],
            payment_intent=None,
            payment_method_types=[given["payment_method_types[0]"]],
            payment_status="unpaid",
            status="open",
            success_url=given["success_url"],
            _intent_metadata=_marks(given, "payment_intent_data[metadata]"),
        )
        session["url"] = f"https://checkout.stripe.com/c/pay/{session['id']}#fid1"
        return 200, _shown(session)

    def _expire(self, ref: str) -> tuple[int, Any]:
        one = self.sessions.get(ref)
        if one is None:
            return 404, _error("invalid_request_error", "resource_missing")
        if one["status"] != "open":
            return 400, _error("invalid_request_error", "")
        one.update(status="expired", url=None)
        return 200, _shown(one)

    def _list(
        self, all_of: list[dict[str, Any]], given: dict[str, str]
    ) -> tuple[int, Any]:
        """List the newest first, filtered, from behind one on."""
        found = [
            one
            for one in reversed(all_of)
            if all(
                one.get(name) == value
                for name, value in given.items()
                if name in ("payment_intent", "status")
            )
        ]
        after = given.get("starting_after")
        if after is not None:
            ids = [one["id"] for one in found]
            found = found[ids.index(after) + 1 :]
        most = min(int(given.get("limit", 10)), self.page)
        data = [_shown(one) for one in found[:most]]
        return 200, {"object": "list", "data": data, "has_more": len(found) > most}

    def _search(self, query: str) -> tuple[int, Any]:
        fits = re.fullmatch(r"metadata\['(\w+)'\]:'([^']*)'", query)
        assert fits is not None, query
        name, value = fits.groups()
        found = [
            _shown(one)
            for one in self.intents.values()
            if one["metadata"].get(name) == value and one["id"] not in self.unindexed
        ]
        return 200, {"object": "search_result", "data": found, "has_more": False}

    def _give_back(self, given: dict[str, str]) -> tuple[int, Any]:
        intent, amount = given["payment_intent"], int(given["amount"])
        one = self.intents.get(intent)
        if one is None:
            return 404, _error("invalid_request_error", "resource_missing")
        back = sum(
            refund["amount"]
            for refund in self.refunds.values()
            if refund["payment_intent"] == intent and refund["status"] != "failed"
        )
        if back == one["amount_received"]:
            return 400, _error("invalid_request_error", "charge_already_refunded")
        if back + amount > one["amount_received"]:
            return 400, _error("invalid_request_error", "")
        return 200, _shown(self._refund(intent, amount, _marks(given, "metadata")))

    def _refund(
        self, intent: str, amount: int, metadata: dict[str, str]
    ) -> dict[str, Any]:
        return self._new(
            "re_",
            self.refunds,
            object="refund",
            amount=amount,
            charge=self.intents[intent]["latest_charge"],
            currency=self.intents[intent]["currency"],
            metadata=metadata,
            payment_intent=intent,
            reason=None,
            status=self.refund_status,
        )

    def _expanded(self, one: dict[str, Any], given: dict[str, str]) -> Any:
        shown = _shown(one)
        if given.get("expand[0]") == "payment_intent" and shown["payment_intent"]:
            shown["payment_intent"] = _shown(self.intents[shown["payment_intent"]])
        return shown

    def _new(
        self, prefix: str, where: dict[str, dict[str, Any]], **fields: Any
    ) -> dict[str, Any]:
        name = f"{prefix}{next(self._numbers):024}"
        where[name] = {"id": name, "created": int(time.time()), **fields}
        return where[name]


def signed(body: bytes, secret: str = SECRET, at_s: int | None = None) -> str:
    """Return the signature of a message, as the official library makes it."""
    signature: str = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=at_s
    )
    return signature


@asynccontextmanager
async def twin_of_stripe() -> AsyncIterator[StripeTwin]:
    """Have a twin listen."""
    twin = StripeTwin()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", twin.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        twin.url = f"http://{host}:{port}"
        yield twin
    finally:
        await runner.cleanup()


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if not name.startswith("_")}


def _marks(given: dict[str, str], where: str) -> dict[str, str]:
    """Return the metadata in a form."""
    start = f"{where}["
    return {
        name.removeprefix(start)[:-1]: value
        for name, value in given.items()
        if name.startswith(start)
    }


def _error(kind: str, code: str) -> Any:
    error = {"type": kind, "message": "Something is wrong.", "param": None}
    return {"error": error | ({"code": code} if code else {})}


def _problem(status: int, kind: str, code: str) -> web.Response:
    return web.json_response(_error(kind, code), status=status)
