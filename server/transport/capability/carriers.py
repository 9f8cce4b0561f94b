"""What carries the data of all others, opened first: bus, caches, limits, mail."""

import asyncio
from typing import Final

from persistence.mail import Outbox
from persistence.processes import Processes
from server.base.networks import parse_networks
from server.transport.bus.open import BUS, PROCESSES, open_bus
from server.transport.bus.questions import ASKING, Questions
from server.transport.capability.capability import Capability, Startup
from server.transport.http.app_keys import TRUSTED_PROXIES
from server.transport.http.compressor import COMPRESSOR, Compressor
from server.transport.http.response_cache import CACHES, Caches
from server.transport.mail.sender import MAIL_SENDER, OUTBOX, MailSender
from server.transport.metrics.counting import REQUEST_COUNTS
from server.transport.metrics.request_counts import RequestCounts
from server.transport.ratelimit.request_limits import LIMITS, limits_of


async def _open_bus(startup: Startup) -> None:
    startup[PROCESSES] = processes = Processes(startup.pool)
    startup[BUS] = bus = await open_bus(startup.instance.redis_url, processes)
    startup[ASKING] = Questions(bus, startup.instance.process)
    startup.on_stop(bus.close)
    startup.report("bus", lambda: bus.health)
    startup.readiness.hindrances.append(lambda: bus.refusal)


async def _open_http(startup: Startup) -> None:
    startup[TRUSTED_PROXIES] = parse_networks(startup.settings.trusted_proxies)
    startup[REQUEST_COUNTS] = counts = RequestCounts()
    startup.metrics.registry.register(counts)
    startup[CACHES] = caches = Caches()
    caches.connect(startup[BUS])
    startup[COMPRESSOR] = Compressor(caches.packed)


async def _open_limits(startup: Startup) -> None:
    limits = limits_of(startup.settings)
    if limits is None:
        return
    startup[LIMITS] = limits
    if startup.instance.redis_url is not None:
        loop = asyncio.get_running_loop()
        limits.connect(startup[BUS], startup.instance.process, loop)


async def _open_mail(startup: Startup) -> None:
    settings = startup.settings
    startup[OUTBOX] = outbox = Outbox(startup.pool)
    sender = MailSender(outbox, settings.smtp_url, settings.mail_from)
    startup[MAIL_SENDER] = sender
    startup.report("mail", sender.health)
    startup.run(sender.run(startup.job("mail")), "mail")


MESSAGES: Final = Capability(name="bus", open=_open_bus)
HTTP: Final = Capability(name="http", open=_open_http)
RATE_LIMITS: Final = Capability(name="rate limits", open=_open_limits)
MAIL: Final = Capability(name="mail", open=_open_mail)
