"""The provider of payment that the settings name, found by orders as `PROVIDER`."""

from typing import Final

import structlog

from server.base.settings import Config, ConfigError
from server.events.catalogue.service import PRICE_REFUSALS
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
    elif settings.payments == "stripe":
        _open_stripe(startup, settings)
    else:
        _open_gateway(startup, settings)


def _open_gateway(startup: Startup, settings: Config) -> None:
    if not settings.unsafe:
        raise ConfigError(
            "ONSALE_PAYMENTS: the gateway is for demos and tests; whoever reaches it"
            " gets tickets for nothing. Start with --unsafe if that is what you want."
        )
    assert settings.gateway_url is not None, "it was checked with the settings"
    provider = GatewayProvider(settings.gateway_url, secrets_for(settings))
    startup[PROVIDER] = provider
    startup[PRICE_REFUSALS].append(provider.refuses)
    startup.on_stop(provider.close)
    startup.report("payments", provider.health)
    log.warning("payments are of the test gateway", url=settings.gateway_url)


def _open_stripe(startup: Startup, settings: Config) -> None:
    try:
        # Its library is an extra, takes half a second, and is nothing to who has none.
        from server.shop.payments.stripe.provider import StripeProvider, is_test
    except ModuleNotFoundError as error:
        if error.name != "stripe":
            raise
        raise ConfigError(
            "ONSALE_PAYMENTS: Stripe needs its library: pip install 'onsale[stripe]'."
        ) from None
    key = settings.stripe_key
    assert key is not None, "it was checked with the settings"
    test = is_test(key)
    if settings.stripe_url is not None and not settings.unsafe:
        raise ConfigError(
            "ONSALE_STRIPE_URL: whoever answers there says who has paid. Start with"
            " --unsafe if that is what you want."
        )
    if test and not settings.unsafe:
        raise ConfigError(
            "ONSALE_STRIPE_KEY: it is of Stripe's test mode, in which everybody gets"
            " tickets for nothing. Start with --unsafe if that is what you want."
        )
    if not test and settings.public_url is None:
        raise ConfigError(
            "ONSALE_PAYMENTS: set ONSALE_PUBLIC_URL too: Stripe leads buyers back"
            " there."
        )
    secrets = (settings.stripe_webhook_secret or "").split()
    provider = StripeProvider(key, secrets, url=settings.stripe_url)
    startup[PROVIDER] = provider
    startup[PRICE_REFUSALS].append(provider.refuses)
    startup.on_stop(provider.close)
    startup.report("payments", provider.health)
    if test:
        log.warning("payments are of Stripe's test mode")


PAYMENTS: Final = Capability(name="payments", open=_open)
