"""Counts what is dear for one caller, and refuses it beyond the limits.

So a service can count in the middle of what it does, and knows no request: how a caller
is told of its limits is another's business.
"""

import time
from collections.abc import Callable

from persistence.people.addresses import address_key
from server.base.refusals.refusals import RATE_LIMITED, Refusal
from server.transport.ratelimit.request_limits import RequestLimits
from server.transport.ratelimit.token_buckets import Verdict


class RateLimited(Refusal):
    """A caller comes too often; `verdict` says when it may come again."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(RATE_LIMITED)
        self.verdict = verdict


class Meter:
    """The limits, for one caller. All raise `RateLimited`, and count what they let by.

    `client` is the caller's address as limits count it, `user` who it is, where that is
    known. `tell` hears each verdict, also one that refuses. Without `limits` nothing is
    counted.
    """

    def __init__(
        self,
        limits: RequestLimits | None,
        client: str,
        user: str | None,
        tell: Callable[[Verdict], None],
    ) -> None:
        self.client = client
        self._limits = limits
        self._user = user
        self._tell = tell

    def guest(self, network: str) -> None:
        """Count a new guest, from an address of this network."""
        if self._limits is not None:
            now_s = time.monotonic()
            self._heed(self._limits.guest(self.client, network, now_s))

    def login(self, email: str) -> None:
        """Count a password for an account, right or wrong."""
        if self._limits is not None:
            now_s = time.monotonic()
            self._heed(self._limits.login(self.client, address_key(email), now_s))

    def registration(self) -> None:
        """Count a new account of the caller's address."""
        if self._limits is not None:
            self._heed(self._limits.registration(self.client, time.monotonic()))

    def welcome(self, email: str) -> None:
        """Count the mail to a new account, whatever became of those it had before."""
        if self._limits is not None:
            self._heed(self._limits.welcome(address_key(email), time.monotonic()))

    def mail(self, email: str) -> None:
        """Count a mail that the caller has us send.

        Each address gets few, and each sender, its network and its user, sends few.
        """
        if self._limits is not None:
            key, now_s = address_key(email), time.monotonic()
            self._heed(self._limits.mail(self.client, key, now_s, self._user))

    def notice(self, email: str) -> None:
        """Count a mail that tells somebody of what the caller does, as `mail`.

        The caller said who they are.
        """
        assert self._user is not None
        if self._limits is not None:
            key, now_s = address_key(email), time.monotonic()
            self._heed(self._limits.notice(self._user, key, now_s))

    def wrong_code(self) -> None:
        """Count a code that the caller scanned at a gate, and that is no ticket's.

        The caller said who they are.
        """
        assert self._user is not None
        if self._limits is not None:
            self._heed(self._limits.wrong_code(self._user, time.monotonic()))

    def wrong_secret(self) -> None:
        """Count a secret of the caller's address that opens nothing."""
        if self._limits is not None:
            self._heed(self._limits.wrong_secret(self.client, time.monotonic()))

    def may_guess(self) -> None:
        """Refuse who named too many codes of promotions that are none; count nothing.

        The caller said who they are.
        """
        self._guess(wrong=False)

    def wrong_guess(self) -> None:
        """Count a code of the caller that no promotion has."""
        self._guess(wrong=True)

    def _guess(self, *, wrong: bool) -> None:
        assert self._user is not None
        if self._limits is not None:
            now_s = time.monotonic()
            self._heed(self._limits.guess(self.client, self._user, now_s, wrong))

    def _heed(self, verdict: Verdict) -> None:
        self._tell(verdict)
        if not verdict.allowed:
            raise RateLimited(verdict)
