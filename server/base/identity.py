"""Who a request comes from: a person with a token, or a machine with an API key.

Sessions, guards and rate limits know these alone; what proves an identity stands behind
the protocols below, and is put in by sign-in and by the API keys.
"""

from typing import Final, Literal, Protocol

from msgspec import Struct

from persistence.people.api_keys import Scope

Role = Literal["guest", "customer", "organizer", "admin"]
ORGANIZERS: Final = frozenset({"organizer", "admin"})
TOKEN_LENGTH_MAX: Final = 2048


class TokenError(Exception):
    """A token that proves nothing; the message may be shown to its bearer."""


class Identity(Struct, frozen=True):
    """Who a request comes from, and until when that is proven (Unix seconds)."""

    user: str
    role: Role | Literal["key", "order"]
    expires_at_s: int
    session: str = ""
    """Empty for a guest, who has nothing but the token."""

    @property
    def subject(self) -> str:
        """What is revoked to end this: the session, or all that belongs to none."""
        return self.session or self.user

    @property
    def organizer(self) -> bool:
        """Whether this is somebody who sells rather than buys."""
        return self.role in ORGANIZERS


class Machine(Identity, frozen=True, kw_only=True):
    """A machine of an organisation; `user` is the id of its key."""

    organisation: str
    scopes: frozenset[Scope]


class Opener(Identity, frozen=True, kw_only=True):
    """Somebody who opened one order with a secret that was mailed, and nothing else.

    `user` is the order's id, which is nobody's name: of its buyer nothing is theirs.
    """

    order: str


class Authenticator(Protocol):
    """Checks access tokens."""

    def check(self, token: str, now_s: int) -> Identity:
        """Return whom a token proves; raises `TokenError`."""

    def is_ended(self, identity: Identity) -> bool:
        """Return whether this was ended before its time."""


class GuestBook(Protocol):
    """Knows which guests last: those that held something in time."""

    def is_doubtful(self, who: Identity, now_s: float) -> bool:
        """Return whether somebody is a guest that may have lapsed."""

    async def is_kept(self, user: str) -> bool:
        """Return whether a doubtful guest has held something. Raises `Unavailable`."""

    def note(self, user: str) -> None:
        """Take note that a guest holds something."""


class KeyAuthenticator(Protocol):
    """Checks API keys."""

    def is_key(self, text: str) -> bool:
        """Return whether this looks like a key; no access token does."""

    def knows(self, text: str) -> bool:
        """Return whether a key can be checked without asking the database."""

    async def identify(self, text: str) -> Machine | None:
        """Return the machine that a key proves. Raises `Unavailable`."""

    async def forgotten(self, within_s: float) -> None:
        """Wait until keys are to be looked up anew, for so long at most."""


class OpenerAuthenticator(Protocol):
    """Checks the tokens of who opened an order."""

    def is_token(self, text: str) -> bool:
        """Return whether this looks like such a token; no access token does."""

    def knows(self, text: str) -> bool:
        """Return whether a token was good a moment ago; others may be guesses."""

    async def identify(self, text: str) -> Opener | None:
        """Return who a token proves. Raises `Unavailable`."""
