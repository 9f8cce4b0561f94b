"""API keys of organisations, and the machines that show them."""

from typing import Final

from persistence.people.api_keys import ApiKeys
from server.people.api_keys.api_keys import API_KEYS, Machines
from server.people.api_keys.examples import EXAMPLES
from server.people.api_keys.rest import ROUTES
from server.people.organisations.service import ORGANISATION_SERVICE
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter
from server.transport.rest.guard import KEY_AUTHENTICATOR


async def _open(startup: Startup) -> None:
    startup[API_KEYS] = keys = ApiKeys(startup.pool)
    startup[KEY_AUTHENTICATOR] = machines = Machines(keys)
    startup[ORGANISATION_SERVICE].on_change.append(machines.forget)
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
