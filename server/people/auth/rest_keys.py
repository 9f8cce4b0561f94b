"""The public keys of access tokens, so that other services can check them."""

from aiohttp import web
from msgspec import Struct

from server.people.auth.signing_keys import SHOWN_S, PublicJwk
from server.transport.rest.call import Call


class KeySet(Struct):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[PublicJwk]


async def show_token_keys(call: Call) -> web.Response:
    """Show the keys that sign access tokens, those to come included."""
    keys = KeySet([pair.jwk for pair in call.context.tokens.pairs])
    return call.read(keys, cache_control=f"public, max-age={SHOWN_S}")
