"""The public keys of access tokens, so that other services can check them."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from server.people.auth.tokens.signing_keys import SHOWN_S, PublicJwk
from server.people.auth.tokens.tokens import TOKENS
from server.transport.rest.call import Call
from server.transport.rest.route import Route


class KeySet(Struct):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[PublicJwk]


async def show_token_keys(call: Call) -> web.Response:
    """Show the keys that sign access tokens, those to come included."""
    keys = KeySet([pair.jwk for pair in call[TOKENS].pairs])
    return call.read(keys, cache_control=f"public, max-age={SHOWN_S}")


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/.well-known/jwks.json",
        handler=show_token_keys,
        name="show_token_keys",
        summary="Show the public keys that access tokens are checked with (RFC 7517)",
        tag="People",
        access="operational",
        budget="shown",
        answers=KeySet,
        cached=True,
    ),
)
