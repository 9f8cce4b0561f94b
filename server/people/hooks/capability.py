"""Webhooks of organisers: kept, told, and what became of each message."""

from typing import Final

from persistence.people.hooks.deliveries import Deliveries
from persistence.people.hooks.hooks import Hooks
from persistence.people.hooks.outbox import HookOutbox
from server.people.hooks import rest, rest_deliveries
from server.people.hooks.examples import DELIVERY_ID, EXAMPLES, HOOK_ID
from server.people.hooks.secret_box import SecretBox
from server.people.hooks.sender import HookSender
from server.people.hooks.service import (
    HOOK_SERVICE,
    HOOKS_OF_ORGANISATION_MAX,
    HookService,
)
from server.transport.capability.capability import Capability, Startup
from server.transport.outbox.channels import CHANNELS, HOOK
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    settings = startup.settings
    box = SecretBox([settings.secret_key, settings.old_secret_key])
    deliveries = Deliveries(startup.pool)
    hooks = Hooks(startup.pool, HOOKS_OF_ORGANISATION_MAX)
    private = settings.hooks_private
    startup[HOOK_SERVICE] = HookService(hooks, deliveries, box, private=private)
    startup[CHANNELS][HOOK] = HookOutbox(startup.pool)
    sender = HookSender(deliveries, box, private=private)
    startup.on_stop(sender.close)
    startup.report("hooks", sender.health)
    startup.metrics.counter(
        "onsale_hooks_sent_total",
        "Webhooks of organisers that were taken.",
        lambda: sender.sent,
    )
    startup.metrics.counter(
        "onsale_hooks_failed_total",
        "Attempts to send a webhook of an organiser that failed.",
        lambda: sender.failed,
    )
    startup.metrics.gauge(
        "onsale_hooks_waiting",
        "Webhooks of organisers that could be sent now, whoever sends them.",
        lambda: sender.waiting.waiting,
    )
    startup.run(sender.run(startup.job("hooks")), "hooks")


HOOKS: Final = Capability(
    name="hooks",
    open=_open,
    routes=(*rest.ROUTES, *rest_deliveries.ROUTES),
    parameters={
        "hook": PathParameter("The hook's id.", HOOK_ID),
        "delivery": PathParameter("The delivery's id: its `webhook-id`.", DELIVERY_ID),
    },
    makes={"hooks": "hook"},
    tags={
        rest.TAG: """\
An organisation's machines are told what happens to what it sells, as Standard Webhooks
has it: `webhook-id`, `webhook-timestamp` and `webhook-signature`, an HMAC-SHA-256 over
`id.timestamp.body` with the `secret` that is shown once. A body is `{"type",
"timestamp", "data"}`, where `data` is ids and states: ask for the rest. A message comes
at least once, so look at its id, and may overtake one that failed. Whoever answers 2xx
within 10 seconds is told no more of it; else it comes again, ten times within three
days, and is `dead` then: `replay` sends it once more. 410 turns the hook off, 429 and
503 may say `Retry-After`. No redirect is followed, and no private address is asked.""",
    },
    examples=EXAMPLES,
)
