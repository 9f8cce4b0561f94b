"""How often a client may ask, by kind of request."""

from typing import Final

from server.rest.rate_limits import Buckets, Verdict

REQUESTS_PER_S: Final = 100.0
REQUESTS_BURST: Final = 200
GUESTS_PER_S: Final = 1.0
GUESTS_BURST: Final = 60
HANDSHAKES_PER_S: Final = 20.0
HANDSHAKES_BURST: Final = 200
LOGINS_PER_S: Final = 120 / 3_600
LOGINS_BURST: Final = 10
"""Of one address to one account."""

ADDRESS_LOGINS_PER_S: Final = 1.0
ADDRESS_LOGINS_BURST: Final = 60
ACCOUNT_LOGINS_PER_S: Final = 500 / 3_600
ACCOUNT_LOGINS_BURST: Final = 100
REGISTRATIONS_PER_S: Final = 0.5
REGISTRATIONS_BURST: Final = 60
MAILS_PER_S: Final = 5 / 3_600
MAILS_BURST: Final = 5
ADDRESS_MAILS_PER_S: Final = 60 / 3_600
ADDRESS_MAILS_BURST: Final = 30

# One address alone cannot keep the owner of an account from logging in elsewhere.
assert 3 * LOGINS_PER_S < ACCOUNT_LOGINS_PER_S
assert 3 * LOGINS_BURST < ACCOUNT_LOGINS_BURST


class RequestLimits:
    """The buckets of one process; keys are users or client addresses."""

    def __init__(self) -> None:
        self._requests = Buckets(REQUESTS_PER_S, REQUESTS_BURST)
        self._guests = Buckets(GUESTS_PER_S, GUESTS_BURST)
        self._handshakes = Buckets(HANDSHAKES_PER_S, HANDSHAKES_BURST)
        self._logins = Buckets(LOGINS_PER_S, LOGINS_BURST)
        self._login_addresses = Buckets(ADDRESS_LOGINS_PER_S, ADDRESS_LOGINS_BURST)
        self._login_accounts = Buckets(ACCOUNT_LOGINS_PER_S, ACCOUNT_LOGINS_BURST)
        self._registrations = Buckets(REGISTRATIONS_PER_S, REGISTRATIONS_BURST)
        self._mails = Buckets(MAILS_PER_S, MAILS_BURST)
        self._mail_addresses = Buckets(ADDRESS_MAILS_PER_S, ADDRESS_MAILS_BURST)

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
        """Count a password from an address for an account, right or wrong."""
        return _first_refusal(
            (self._logins, f"{client} {email}", now_s),
            (self._login_addresses, client, now_s),
            (self._login_accounts, email, now_s),
        )

    def registration(self, client: str, now_s: float) -> Verdict:
        """Count a new account from an address."""
        return self._registrations.take(client, now_s)

    def mail(self, client: str, email: str, now_s: float) -> Verdict:
        """Count a mail that somebody at an address has us send to another."""
        return _first_refusal(
            (self._mails, email, now_s), (self._mail_addresses, client, now_s)
        )


def _first_refusal(*asked: tuple[Buckets, str, float]) -> Verdict:
    """Take one of each, in order, up to the first that has none."""
    first = None
    for buckets, key, now_s in asked:
        verdict = buckets.take(key, now_s)
        if not verdict.allowed:
            return verdict
        first = first or verdict
    assert first is not None
    return first
