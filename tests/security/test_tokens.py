"""Tokens that we did not issue open nothing, wherever they are shown."""

import time

import jwt
import pytest

from server.people.auth.tokens.tokens import key_from_secret
from tests.contract.client import Person
from tests.security.conftest import SECRET
from tests.security.wire import Ended, Raw

KEY = key_from_secret(SECRET)
OTHER = key_from_secret("the secret key of quite another server")


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    made: dict[str, object] = {
        "iss": "onsale",
        "sub": "usr_forged",
        "role": "admin",
        "iat": now,
        "exp": now + 600,
    }
    made |= changes
    return {name: value for name, value in made.items() if value is not None}


def sign(key=KEY.secret, kid=KEY.kid, algorithm="HS256", **changes: object) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid})


def swapped(token: str, other: str) -> str:
    """Put the claims of one token over the signature of another."""
    head, body, _ = token.split(".")
    return ".".join((head, body, other.split(".")[2]))


FORGED = {
    "expired": lambda: sign(iat=1, exp=int(time.time()) - 5),
    "unsigned": lambda: sign("", algorithm="none"),
    "signature left out": lambda: sign().rpartition(".")[0] + ".",
    "another key": lambda: sign(OTHER.secret, OTHER.kid),
    "another key by our name": lambda: sign(OTHER.secret),
    "a key of zeros": lambda: sign(bytes(32)),
    "no name of a key": lambda: sign(kid=""),
    "a path for a name": lambda: sign(kid="../../../dev/null"),
    "another issuer": lambda: sign(iss="onsale.evil.tld"),
    "no issuer": lambda: sign(iss=None),
    "no end": lambda: sign(exp=None),
    "an end that is text": lambda: sign(exp="later"),
    "another algorithm": lambda: sign(algorithm="HS384"),
    "another's signature": lambda: swapped(sign(), sign(role="guest")),
    "a role that is none": lambda: sign(role="root"),
    "nobody": lambda: sign(sub=None),
    "of the future": lambda: sign(iat=int(time.time()) + 86_400),
}
# jwt itself warns of the weak keys that some of these are made with.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")


async def test_a_token_signed_with_the_servers_key_is_good(strict_api):
    who = Person("usr_forged", "admin", sign())
    assert (await strict_api.get("/v1/bookings", who)).status == 200
    async with await strict_api.socket(who) as socket:
        await socket.ok("ping")


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_opens_nothing(strict_server, strict_api, name):
    token = FORGED[name]()
    who = Person("", "", token)
    answer = await strict_api.get("/v1/bookings", who)
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    with pytest.raises(Ended, match="401"):
        await Raw.open(strict_server.url, token)
    async with await strict_api.socket() as socket:
        await socket.refused("unauthenticated", "hello", token=token)
        fields = {"event": "no-event", "seats": ["A-1"]}
        await socket.refused("unauthenticated", "hold", **fields)
