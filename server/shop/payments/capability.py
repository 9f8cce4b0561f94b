"""The provider of payment that the settings name, found by orders as `PROVIDER`."""

from typing import Final

import structlog

from server.base.settings import ConfigError
from server.shop.payments.gateway_provider import GatewayProvider
from server.shop.payments.provider import PROVIDER
from server.shop.payments.secret import secrets_for
from server.transport.capability.capability import Capability, Startup

log = structlog.get_logger()


async def _open(startup: Startup) -> None:
    settings = startup.settings
    if settings.payments is None:
        startup[PROVIDER] = None
        startup.report("payments", lambda: {"status": "off"})
        return
    if not settings.unsafe:
        raise ConfigError(
            "ONSALE_PAYMENTS: the gateway is for demos and tests; whoever reaches it"
            " gets tickets for nothing. Start with --unsafe if that is what you want."
        )
    assert settings.gateway_url is not None, "it was checked with the settings"
    provider = GatewayProvider(settings.gateway_url, secrets_for(settings))
    startup[PROVIDER] = provider
    startup.on_stop(provider.close)
    startup.report("payments", provider.health)
    log.warning("payments are of the test gateway", url=settings.gateway_url)


PAYMENTS: Final = Capability(name="payments", open=_open)
