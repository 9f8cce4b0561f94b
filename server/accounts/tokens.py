"""Access tokens: JWT signed with HMAC-SHA256, under keys known by name.

Keys and time are arguments, so that a token can be tested without waiting for its end.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import jwt
import msgspec
from msgspec import Meta, Struct

Role = Literal["guest", "customer", "organizer", "admin"]

ALGORITHM: Final = "HS256"
"""The only algorithm, pinned at checking too: a token's own header never chooses."""

ISSUER: Final = "onsale"
DAY_S: Final = 86_400
LIFETIME_S: Final[dict[Role, int]] = {
    "guest": 7 * DAY_S,
    "customer": DAY_S,
    "organizer": DAY_S // 2,
    "admin": DAY_S // 2,
}
CLOCK_SKEW_S: Final = 60
"""How far the clock of another machine that issued a token may be ahead of ours."""

TOKEN_LENGTH_MAX: Final = 2048
SECRET_BYTES_MIN: Final = 32
REMEMBERED_MAX: Final = 16_384
ORGANIZERS: Final = frozenset({"organizer", "admin"})


class TokenError(Exception):
    """A token that proves nothing; the message may be shown to its bearer."""


class SigningKey(Struct, frozen=True):
    """A secret with the name that tokens signed with it carry."""

    kid: str
    secret: bytes

    def __repr__(self) -> str:
        """Return the name only, so that no log shows the secret."""
        return f"SigningKey({self.kid!r})"


class Identity(Struct, frozen=True):
    """Who a request comes from, and until when that is proven (Unix seconds)."""

    user: str
    role: Role
    expires_at_s: int

    @property
    def organizer(self) -> bool:
        """Whether this is somebody who sells rather than buys."""
        return self.role in ORGANIZERS


def key_from_secret(secret: str) -> SigningKey:
    """Return the signing key for a configured secret.

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


class Tokens:
    """Issues tokens with the first key and believes those of all."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys:
            raise ValueError("At least one signing key is needed.")
        if any(len(key.secret) < SECRET_BYTES_MIN for key in keys):
            raise ValueError(f"A signing key needs {SECRET_BYTES_MIN} bytes.")
        self._current = keys[0]
        self._keys = {key.kid: key.secret for key in keys}
        # Digests of tokens that were checked already: a buyer sends the same token with
        # every request, and a digest costs a tenth of a signature check.
        self._remembered: dict[bytes, Identity] = {}

    def issue(self, user: str, role: Role, now_s: int) -> tuple[str, int]:
        """Return a token for this user, and the seconds it lasts."""
        lifetime_s = LIFETIME_S[role]
        claims = {
            "iss": ISSUER,
            "sub": user,
            "role": role,
            "iat": now_s,
            "exp": now_s + lifetime_s,
        }
        token = jwt.encode(
            claims,
            self._current.secret,
            algorithm=ALGORITHM,
            headers={"kid": self._current.kid},
        )
        return token, lifetime_s

    def check(self, token: str, now_s: int) -> Identity:
        """Return whom a token proves; raises `TokenError`."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise TokenError("This is not an access token.")
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        identity = self._remembered.get(digest)
        if identity is None:
            identity = self._verify(token, now_s)
            if len(self._remembered) >= REMEMBERED_MAX:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[digest] = identity
        if now_s >= identity.expires_at_s:
            raise TokenError("This access token has expired.")
        return identity

    def _verify(self, token: str, now_s: int) -> Identity:
        try:
            secret = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
            if secret is None:
                raise TokenError("This access token was not issued here.")
            decoded = jwt.decode(
                token,
                secret,
                algorithms=[ALGORITHM],
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
        return Identity(claims.sub, claims.role, claims.exp)
