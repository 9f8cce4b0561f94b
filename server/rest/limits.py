"""How often a client may ask, by kind of request."""

from typing import Final

from server.rest.rate_limits import Buckets, Verdict

REQUESTS_PER_S: Final = 100.0
REQUESTS_BURST: Final = 200
GUESTS_PER_S: Final = 1.0
GUESTS_BURST: Final = 60
HANDSHAKES_PER_S: Final = 20.0
HANDSHAKES_BURST: Final = 200
LOGINS_PER_S: Final = 10 / 60
LOGINS_BURST: Final = 10


class RequestLimits:
    """The buckets of one process; keys are users or client addresses."""

    def __init__(self) -> None:
        self._requests = Buckets(REQUESTS_PER_S, REQUESTS_BURST)
        self._guests = Buckets(GUESTS_PER_S, GUESTS_BURST)
        self._handshakes = Buckets(HANDSHAKES_PER_S, HANDSHAKES_BURST)
        self._logins = Buckets(LOGINS_PER_S, LOGINS_BURST)

    def request(self, client: str, now_s: float) -> Verdict:
        """Count any request of a client."""
        return self._requests.take(client, now_s)

    def handshake(self, client: str, now_s: float) -> Verdict:
        """Count a new websocket from an address."""
        return self._handshakes.take(client, now_s)

    def guest(self, client: str, now_s: float) -> Verdict:
        """Count a new guest from an address."""
        return self._guests.take(client, now_s)

    def login(self, client: str, email: str, now_s: float) -> Verdict:
        """Count a login from an address to an account."""
        return self._logins.take(f"{client} {email}", now_s)
