"""API keys of organisations, and the machines that show them."""

from typing import Final

from persistence.people.api_keys import ApiKeys
from server.people.api_keys.api_keys import Machines
from server.people.api_keys.examples import EXAMPLES
from server.people.api_keys.rest import ROUTES
from server.people.api_keys.service import API_KEY_SERVICE, ApiKeyService
from server.people.organisations.service import ORGANISATION_SERVICE
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter
from server.transport.rest.guard import KEY_AUTHENTICATOR


async def _open(startup: Startup) -> None:
    keys = ApiKeys(startup.pool, startup.settings.quotas)
    organisations = startup[ORGANISATION_SERVICE]
    startup[API_KEY_SERVICE] = ApiKeyService(keys, organisations.changed)
    startup[KEY_AUTHENTICATOR] = machines = Machines(keys)
    organisations.on_change.append(machines.forget)
    startup.run(machines.run(startup.job("api keys")), "api keys")


MACHINE_KEYS: Final = Capability(
    name="api keys",
    open=_open,
    routes=ROUTES,
    parameters={
        "key": PathParameter("The API key's id.", "key_1qAz2wSx3eDc4rFv5tGb6Y"),
    },
    makes={"api-keys": "key"},
    examples=EXAMPLES,
)
