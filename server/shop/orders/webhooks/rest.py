"""Where providers of payment tell what happened."""

from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from server.shop.orders.problems import PROVIDER_NOT_FOUND, WEBHOOK_FORGED
from server.shop.orders.webhooks.service import WEBHOOK_SERVICE
from server.transport.http.problems import (
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
)
from server.transport.rest.bodies import read_body
from server.transport.rest.call import Call
from server.transport.rest.notes import note_nothing
from server.transport.rest.route import Route

BYTES_MAX: Final = 256 << 10


class WebhookTaken(Struct):
    """What a provider sent is stored; `applied` once the payment is known here."""

    applied: bool


async def take_webhook(call: Call) -> web.Response:
    """Take what a provider says: signed, stored and applied before it is answered."""
    # What a provider says is kept with what came of it; what is forged is not kept.
    note_nothing(call.request)
    provider = call.path("provider", PROVIDER_NOT_FOUND)
    body = await read_body(call.request, BYTES_MAX)
    service = call[WEBHOOK_SERVICE]
    applied = await service.take(provider, call.request.headers, body)
    return call.answer(WebhookTaken(applied), status=200 if applied else 202)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/payments/{provider}/webhook",
        handler=take_webhook,
        name="take_payment_webhook",
        summary="Take what a provider of payment tells by itself",
        tag="Orders",
        access="anonymous",
        who="Needs no token, but the provider's signature.",
        budget="probe",
        body=dict[str, Any],
        answers=WebhookTaken,
        done_status=202,
        problems=(
            PROVIDER_NOT_FOUND,
            WEBHOOK_FORGED,
            REQUEST_TIMEOUT,
            TOO_LARGE,
            UNSUPPORTED_MEDIA_TYPE,
            UNAVAILABLE,
        ),
    ),
)
