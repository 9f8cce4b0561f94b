"""Access tokens: JWT signed with Ed25519, under keys known by name.

Keys and time are arguments, so that a token can be tested without waiting for its end.
A signature stays good until the token's end: what has to end sooner is remembered here.
"""

import hmac
from collections.abc import Sequence
from typing import Annotated, Any, Final

import jwt
import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from server.base.identity import TOKEN_LENGTH_MAX, Identity, Role, TokenError
from server.people.auth.lifetimes import CLOCK_SKEW_S, LIFETIME_S
from server.people.auth.tokens.signing_keys import SECRET_BYTES_MIN, KeyPair

ALGORITHM: Final = "EdDSA"
OLD_ALGORITHM: Final = "HS256"
"""What tokens were signed with before, which are believed until they expire.

Each key has its one algorithm: a token's own header never chooses."""

ISSUER: Final = "onsale"
REMEMBERED_MAX: Final = 16_384


class SigningKey(Struct, frozen=True):
    """A secret of former times, with the name that tokens signed with it carry."""

    kid: str
    secret: bytes

    def __repr__(self) -> str:
        """Return the name only, so that no log shows the secret."""
        return f"SigningKey({self.kid!r})"


def key_from_secret(secret: str) -> SigningKey:
    """Return the former signing key for a configured secret.

    It is derived, so that the same secret may serve other purposes under other names.
    Raises ValueError where the secret is short enough to be guessed.
    """
    if len(secret.encode()) < SECRET_BYTES_MIN:
        raise ValueError(f"The secret key needs at least {SECRET_BYTES_MIN} bytes.")
    derived = hmac.digest(secret.encode(), b"onsale access tokens 1", "sha256")
    name = hmac.digest(secret.encode(), b"onsale access tokens 1 name", "sha256")
    return SigningKey(kid=name.hex()[:16], secret=derived)


class _Claims(Struct):
    sub: Annotated[str, Meta(min_length=1, max_length=64)]
    role: Role
    iat: int
    exp: int
    sid: Annotated[str, Meta(max_length=64)] = ""


class Tokens:
    """Issues tokens with the first key, and believes those of all that did not end."""

    def __init__(
        self, pairs: Sequence[KeyPair], old: Sequence[SigningKey] = ()
    ) -> None:
        # Tokens that were checked already: a buyer sends the same one again and again.
        self._remembered: dict[str, Identity] = {}
        self._ended: dict[str, int] = {}
        self._keys: dict[str, tuple[Any, str]] = {}
        self.use(pairs, old)

    def use(self, pairs: Sequence[KeyPair], old: Sequence[SigningKey] = ()) -> None:
        """Sign with the first pair from now on, and believe exactly these keys."""
        if not pairs:
            raise ValueError("At least one signing key is needed.")
        if any(len(key.secret) < SECRET_BYTES_MIN for key in old):
            raise ValueError(f"A signing key needs {SECRET_BYTES_MIN} bytes.")
        keys: dict[str, tuple[Any, str]] = {
            key.kid: (key.secret, OLD_ALGORITHM) for key in old
        }
        keys |= {pair.kid: (pair.public, ALGORITHM) for pair in pairs}
        if not keys.keys() >= self._keys.keys():
            self._remembered.clear()
        self.pairs = list(pairs)
        self._keys = keys

    def issue(
        self, user: str, role: Role, now_s: int, session: str = ""
    ) -> tuple[str, int]:
        """Return a token for this user, and the seconds it lasts."""
        lifetime_s, current = LIFETIME_S[role], self.pairs[0]
        claims: dict[str, str | int] = {
            "iss": ISSUER,
            "sub": user,
            "role": role,
            "iat": now_s,
            "exp": now_s + lifetime_s,
        }
        if session:
            claims["sid"] = session
        token = jwt.encode(
            claims, current.private, algorithm=ALGORITHM, headers={"kid": current.kid}
        )
        identity = Identity(user, role, now_s + lifetime_s, session)
        # Whoever gets a token shows it here next, most likely.
        self._remember(token, identity)
        return token, lifetime_s

    def end(self, subject: str, until_s: int) -> None:
        """Believe no token of a session any more, or of a user outside any session.

        `until_s` is when the last of them expires.
        """
        self._ended[subject] = max(until_s, self._ended.get(subject, 0))

    def forget_ended(self, now_s: int) -> None:
        """Forget what has expired since it ended."""
        self._ended = {
            subject: until_s
            for subject, until_s in self._ended.items()
            if until_s > now_s
        }

    def is_ended(self, identity: Identity) -> bool:
        """Return whether this was ended before its time."""
        return identity.subject in self._ended

    def check(self, token: str, now_s: int) -> Identity:
        """Return whom a token proves; raises `TokenError`."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise TokenError("This is not an access token.")
        identity = self._remembered.get(token)
        if identity is None:
            identity = self._verify(token, now_s)
            self._remember(token, identity)
        if self.is_ended(identity):
            raise TokenError("This session has ended; log in again.")
        if now_s >= identity.expires_at_s:
            raise TokenError("This access token has expired.")
        return identity

    def _remember(self, token: str, identity: Identity) -> None:
        if len(self._remembered) >= REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[token] = identity

    def _verify(self, token: str, now_s: int) -> Identity:
        try:
            known = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
            if known is None:
                raise TokenError("This access token was not issued here.")
            key, algorithm = known
            decoded = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=ISSUER,
                options={
                    "require": ["iss"],
                    # Judged below, against the time we were given.
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            claims = msgspec.convert(decoded, _Claims)
        except (jwt.PyJWTError, UnicodeError, TypeError, ValueError) as error:
            raise TokenError("This is not an access token of ours.") from error
        if claims.iat > now_s + CLOCK_SKEW_S:
            raise TokenError("This access token is from the future.")
        return Identity(claims.sub, claims.role, claims.exp, claims.sid)


TOKENS: Final = web.AppKey("tokens", Tokens)
