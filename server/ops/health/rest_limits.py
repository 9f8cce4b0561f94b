"""What the limits are set to; for administrators, who see why somebody was refused."""

from typing import Final, Literal

from aiohttp import web
from msgspec import Struct, structs

from server.base.settings import Config
from server.transport.http.app_keys import SETTINGS
from server.transport.ratelimit.request_limits import (
    ADMIN_MAX,
    COMMANDS_MAX,
    PUBLIC_MAX,
    SIGNED_IN_MAX,
)
from server.transport.rest.call import Call
from server.transport.rest.route import Route

WINDOW_S: Final = 900


class BudgetDocument(Struct):
    """How many requests somebody has in a window.

    One that was not `set` is the default, from which this machine itself is free.
    """

    requests: int
    set: bool


class LimitsDocument(Struct):
    """Budgets by who asks, in a window; and how much one organisation may have."""

    rate_limits: Literal["on", "off"]
    window_s: int
    budgets: dict[str, BudgetDocument]
    quotas: dict[str, int]


async def show_limits(call: Call) -> web.Response:
    """Tell the budgets of requests and the quotas, as they are set."""
    return call.read(document_of(call[SETTINGS]))


def document_of(settings: Config) -> LimitsDocument:
    """Return what settings come to."""
    budgets = {
        "public": (settings.rate_limit_public, PUBLIC_MAX),
        "signed_in": (settings.rate_limit_signed_in, SIGNED_IN_MAX),
        "admin": (settings.rate_limit_admin, ADMIN_MAX),
        "commands": (settings.rate_limit_commands, COMMANDS_MAX),
    }
    told = {
        name: BudgetDocument(usual if given is None else given, given is not None)
        for name, (given, usual) in budgets.items()
    }
    quotas = structs.asdict(settings.quotas)
    return LimitsDocument(settings.rate_limits, WINDOW_S, told, quotas)


LIMIT_ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/limits",
        handler=show_limits,
        name="show_limits",
        summary="Show what the limits are set to",
        tag="Operation",
        access="admin",
        answers=LimitsDocument,
        cached=True,
    ),
)
