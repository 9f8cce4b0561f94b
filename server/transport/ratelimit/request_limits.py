"""How often a client may ask, by kind of request.

Requests have budgets in a window of 15 minutes, by who asks: somebody signed in, an
administrator or a machine; nobody in particular and guests, of whom anybody makes as
many as it likes, by their address; and commands a budget of their own. What costs
dearly, a password or a mail, is limited more narrowly, in buckets; so is what anybody
is shown, such as the pages and the metrics.

All processes count together, so that no two of them say different things of a limit.
What one lets through it tells the others in the next turn of its loop, all clients in
one message; only where it says very much does it gather what is far from a limit for
`TELL_S` before. Of a password or a mail it tells at once. So whoever comes to N
processes in the same moment may get what they let through until they hear of each
other, and waits for as much longer after that. Without the bus each counts for itself.

From this machine itself the budgets hold only where they are set: it is a developer, or
a proxy that nobody named as trusted, behind which all clients look like one.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct

from server.base.identity import Identity
from server.base.settings import Config
from server.transport.ratelimit.sliding_windows import UNITS, SlidingWindows, Use
from server.transport.ratelimit.token_buckets import TokenBuckets, Verdict

if TYPE_CHECKING:
    from server.transport.bus.bus import Bus

Budget = Literal["requests", "cheap", "commands", "own", "shown", "probe"]
"""What a route takes from: `cheap` is a tenth of a request, because what is asked for
is mostly ready to be sent; `own` has a limit of its own that is stricter. `shown` is
what anybody is shown without being asked who it is; a `probe` is never refused."""

PUBLIC_MAX: Final = 100
SIGNED_IN_MAX: Final = 300
ADMIN_MAX: Final = 1_000
COMMANDS_MAX: Final = 3_000
"""In 15 minutes, as the ones above."""

CHEAP: Final = 1
TELL_S: Final = 0.02
"""How long a process that says much gathers what it says next."""

TELLS_PER_S: Final = 200.0
TELLS_BURST: Final = 200
"""Messages that are not gathered."""

TOPIC: Final = "rate limits"
DEAR_TOPIC: Final = "dear limits"

REQUESTS_PER_S: Final = 100.0
REQUESTS_BURST: Final = 200
"""Where no budget holds."""

SHOWN_PER_S: Final = 10.0
SHOWN_BURST: Final = 300
"""Of one address: many browsers may share it, and a page takes a few files."""

GUESTS_PER_S: Final = 1.0
GUESTS_BURST: Final = 60
NETWORK_GUESTS_PER_S: Final = 5.0
NETWORK_GUESTS_BURST: Final = 300
"""Of all addresses that share what may be held from one network."""

HANDSHAKES_PER_S: Final = 20.0
HANDSHAKES_BURST: Final = 200
LOGINS_PER_S: Final = 120 / 3_600
LOGINS_BURST: Final = 10
"""Of one address to one account."""

ADDRESS_LOGINS_PER_S: Final = 1.0
ADDRESS_LOGINS_BURST: Final = 60
ACCOUNT_LOGINS_PER_S: Final = 500 / 3_600
ACCOUNT_LOGINS_BURST: Final = 100
REGISTRATIONS_PER_S: Final = 300 / 3_600
REGISTRATIONS_BURST: Final = 60
"""Of one address, which may be that of a whole university. Each makes a mail."""

MAILS_PER_S: Final = 5 / 3_600
MAILS_BURST: Final = 5
"""To one recipient that anybody can cause."""

NOTICES_PER_S: Final = 5 / 3_600
NOTICES_BURST: Final = 5
"""To one recipient of what was done to its account, or decided for it. They are counted
apart: with the others, a stranger could use up what its owner needs to be told."""

SENT_MAILS_PER_S: Final = 60 / 3_600
SENT_MAILS_BURST: Final = 30
"""That one address, or one user, has us send."""

WRONG_CODES_PER_S: Final = 1.0
WRONG_CODES_BURST: Final = 120
"""Codes that are no tickets, of one device or person at a gate. Visitors hold up the
codes of other shops, too; several gates may share a key."""

WRONG_SECRETS_PER_S: Final = 60 / 3_600
WRONG_SECRETS_BURST: Final = 30
"""Of one address, for orders that it wants to open: nobody types in so many links."""

GUESSES_PER_S: Final = 10 / 60
GUESSES_BURST: Final = 10
"""Codes of promotions that are none, of one user, and of one address."""

_TIERS: Final = {"admin": "admin", "key": "admin"}
"""By role; the others are just signed in."""

_LOOPBACK_6: Final = frozenset({"::1", "::/64"})

assert PUBLIC_MAX <= SIGNED_IN_MAX <= ADMIN_MAX <= COMMANDS_MAX
# One address alone cannot keep the owner of an account from logging in elsewhere.
assert 3 * LOGINS_PER_S < ACCOUNT_LOGINS_PER_S
assert 3 * LOGINS_BURST < ACCOUNT_LOGINS_BURST


T = TypeVar("T")

log = structlog.get_logger()


class Allowances(Struct, frozen=True, kw_only=True):
    """Budgets for 15 minutes; None is the default, from which this machine is free."""

    public: int | None = None
    signed_in: int | None = None
    admin: int | None = None
    commands: int | None = None


class Told(Struct, array_like=True):
    """What a process let through lately, by budget."""

    sender: str
    uses: dict[str, list[Use]]
    tokens: dict[str, dict[str, int]] = {}
    """Those that it gave, by bucket and to whom."""


class Taken(Struct, array_like=True):
    """Tokens that a process gave just now: of which buckets, and to whom."""

    sender: str
    tokens: list[tuple[str, str]]


Tell = Callable[[dict[str, list[Use]], dict[str, dict[str, int]]], None]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Told).decode
_decode_taken = msgspec.msgpack.Decoder(Taken).decode


class RequestLimits:
    """The limits of one process; keys are users or client addresses."""

    def __init__(
        self,
        allowances: Allowances | None = None,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        given = allowances or Allowances()
        self._wall = wall
        self._clock = clock
        self._windows = {
            "public": SlidingWindows(given.public or PUBLIC_MAX),
            "signed_in": SlidingWindows(given.signed_in or SIGNED_IN_MAX),
            "admin": SlidingWindows(given.admin or ADMIN_MAX),
            "commands": SlidingWindows(given.commands or COMMANDS_MAX),
        }
        self._set = frozenset(
            name for name in self._windows if getattr(given, name) is not None
        )
        """Budgets that somebody chose: they hold for everybody."""
        self.mentioned_proxy = False
        """Whether it was said that a proxy should be trusted."""
        self._tell: Tell | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.Handle | None = None
        self._at_once = False
        """Whether what is to be told is told in the next turn of the loop."""
        self._pace = TokenBuckets(TELLS_PER_S, TELLS_BURST)
        self._given: dict[str, dict[str, int]] = {}
        """Tokens of which the others are still to be told."""
        self._buckets = {
            "requests": TokenBuckets(REQUESTS_PER_S, REQUESTS_BURST),
            "shown": TokenBuckets(SHOWN_PER_S, SHOWN_BURST),
            "guests": TokenBuckets(GUESTS_PER_S, GUESTS_BURST),
            "guest networks": TokenBuckets(NETWORK_GUESTS_PER_S, NETWORK_GUESTS_BURST),
            "handshakes": TokenBuckets(HANDSHAKES_PER_S, HANDSHAKES_BURST),
            "logins": TokenBuckets(LOGINS_PER_S, LOGINS_BURST),
            "login addresses": TokenBuckets(ADDRESS_LOGINS_PER_S, ADDRESS_LOGINS_BURST),
            "login accounts": TokenBuckets(ACCOUNT_LOGINS_PER_S, ACCOUNT_LOGINS_BURST),
            "registrations": TokenBuckets(REGISTRATIONS_PER_S, REGISTRATIONS_BURST),
            "mails": TokenBuckets(MAILS_PER_S, MAILS_BURST),
            "notices": TokenBuckets(NOTICES_PER_S, NOTICES_BURST),
            "mail addresses": TokenBuckets(SENT_MAILS_PER_S, SENT_MAILS_BURST),
            "mail users": TokenBuckets(SENT_MAILS_PER_S, SENT_MAILS_BURST),
            "wrong codes": TokenBuckets(WRONG_CODES_PER_S, WRONG_CODES_BURST),
            "wrong secrets": TokenBuckets(WRONG_SECRETS_PER_S, WRONG_SECRETS_BURST),
            "guess addresses": TokenBuckets(GUESSES_PER_S, GUESSES_BURST),
            "guess users": TokenBuckets(GUESSES_PER_S, GUESSES_BURST),
        }
        """What all processes give tokens of together."""
        self._tell_taken: Callable[[list[tuple[str, str]]], None] | None = None

    def request(
        self,
        client: str,
        identity: Identity | None,
        now_s: float,
        budget: Budget = "requests",
    ) -> Verdict:
        """Count a request from an address, of somebody where that is known."""
        if identity is None or identity.role == "guest":
            # One who throws tokens away is still at the same address.
            key, name = client, "public"
        else:
            key, name = f"user {identity.user}", _TIERS.get(identity.role, "signed_in")
        if budget == "own":
            return self._give("requests", key, now_s)
        if budget == "commands":
            name = budget
        if name not in self._set and is_this_machine(client):
            # Nor are those who share it one, where nobody named their proxy.
            own = key if identity is None else f"user {identity.user}"
            return self._give("requests", own, now_s)
        if budget == "shown":
            return self._give("shown", client, now_s)
        cost = CHEAP if budget == "cheap" else UNITS
        verdict = self._windows[name].take(key, self._wall(), cost)
        if self._loop is not None and verdict.allowed:
            self._tell_soon(verdict)
        return verdict

    def connect(self, bus: "Bus", me: str, loop: asyncio.AbstractEventLoop) -> None:
        """Count together with the other processes of a cluster."""

        def hear(data: bytes) -> None:
            told = _decoded(_decode, data)
            if told is not None and told.sender != me:
                self._add(told)

        def hear_taken(data: bytes) -> None:
            taken = _decoded(_decode_taken, data)
            if taken is not None and taken.sender != me:
                self._owe(taken.tokens)

        def tell(uses: dict[str, list[Use]], tokens: dict[str, dict[str, int]]) -> None:
            bus.publish(TOPIC, _encode(Told(me, uses, tokens)))

        def tell_taken(tokens: list[tuple[str, str]]) -> None:
            bus.publish(DEAR_TOPIC, _encode(Taken(me, tokens)))

        for windows in self._windows.values():
            windows.shared = True
        self._tell, self._tell_taken, self._loop = tell, tell_taken, loop
        # What is not heard is let through: nobody is refused for what was lost.
        bus.subscribe(TOPIC, hear, _nothing_to_do)
        bus.subscribe(DEAR_TOPIC, hear_taken, _nothing_to_do)

    def exchange(self) -> None:
        """Tell the other processes what was let through here since the last time."""
        self._timer = None
        if self._tell is None:
            return
        uses = {name: list(one.untold()) for name, one in self._windows.items()}
        told = {name: some for name, some in uses.items() if some}
        tokens, self._given = self._given, {}
        if told or tokens:
            self._tell(told, tokens)
        if any(one.has_untold for one in self._windows.values()):
            self._plan(at_once=False)

    def handshake(self, client: str, now_s: float) -> Verdict:
        """Count a new websocket from an address."""
        return self._give("handshakes", client, now_s)

    def guest(self, client: str, network: str, now_s: float) -> Verdict:
        """Count a new guest from an address of a network."""
        verdict = self._give("guests", client, now_s)
        if not verdict.allowed:
            return verdict
        together = self._give("guest networks", network, now_s)
        return verdict if together.allowed else together

    def login(self, client: str, email: str, now_s: float) -> Verdict:
        """Count a password from an address for an account, right or wrong."""
        return self._take(
            now_s,
            ("login addresses", client),
            ("logins", f"{client} {email}"),
            ("login accounts", email),
        )

    def registration(self, client: str, now_s: float) -> Verdict:
        """Count a new account from an address."""
        return self._take(now_s, ("registrations", client))

    def welcome(self, email: str, now_s: float) -> Verdict:
        """Count the mail to whom a new account is for; its sender is counted before."""
        return self._take(now_s, ("mails", email))

    def mail(
        self, client: str, email: str, now_s: float, user: str | None = None
    ) -> Verdict:
        """Count a mail to another that an address has us send, and a user, if any."""
        sent = [("mail addresses", client)]
        if user is not None:
            sent.append(("mail users", user))
        # The recipient last: who sends too many uses up nothing of anybody's.
        return self._take(now_s, *sent, ("mails", email))

    def notice(self, user: str, email: str, now_s: float) -> Verdict:
        """Count a mail that tells somebody of what a user did, perhaps themselves."""
        return self._take(now_s, ("mail users", user), ("notices", email))

    def wrong_code(self, user: str, now_s: float) -> Verdict:
        """Count a code that somebody at a gate scanned, and that is no ticket's."""
        return self._take(now_s, ("wrong codes", user))

    def wrong_secret(self, client: str, now_s: float) -> Verdict:
        """Count a secret from an address that opens no order."""
        return self._take(now_s, ("wrong secrets", client))

    def guess(self, client: str, user: str, now_s: float, wrong: bool) -> Verdict:
        """Count a code of a promotion that is none, or tell whether one may be tried.

        Who guessed too often tries no right one either: that would tell which is.
        """
        asked = ("guess addresses", client), ("guess users", user)
        if wrong:
            return self._take(now_s, *asked)
        told = [self._buckets[name].look(key, now_s) for name, key in asked]
        return min(told, key=lambda verdict: (verdict.allowed, verdict.remaining))

    def _take(self, now_s: float, *asked: tuple[str, str]) -> Verdict:
        """Take a token of each, in order, up to the first that has none.

        Returns what is to be told of the one that is nearest to its end. The sender's
        address is the first: one that is refused has no bucket made for each name that
        it thinks of, so that ours are forgotten for those.
        """
        taken = []
        for name, key in asked:
            verdict = self._buckets[name].take(key, now_s)
            if not verdict.allowed:
                # Nothing is done, so nobody else needs to know of it.
                return verdict
            taken.append(verdict)
        if self._tell_taken is not None:
            self._tell_taken(list(asked))
        return min(taken, key=lambda verdict: verdict.remaining)

    def _give(self, name: str, key: str, now_s: float) -> Verdict:
        """Take a token of which the other processes hear soon."""
        verdict = self._buckets[name].take(key, now_s)
        if self._loop is not None and verdict.allowed:
            given = self._given.setdefault(name, {})
            given[key] = given.get(key, 0) + 1
            self._tell_soon(verdict)
        return verdict

    def _tell_soon(self, verdict: Verdict) -> None:
        """Have the other processes hear of this, the sooner the nearer the limit."""
        near = 2 * verdict.remaining <= verdict.limit
        if self._timer is not None:
            if self._at_once or not near:
                return
            self._timer.cancel()
        self._plan(at_once=near or self._pace.take("", self._clock()).allowed)

    def _plan(self, *, at_once: bool) -> None:
        assert self._loop is not None
        self._at_once = at_once
        if at_once:
            self._timer = self._loop.call_soon(self.exchange)
        else:
            self._timer = self._loop.call_later(TELL_S, self.exchange)

    def _add(self, told: Told) -> None:
        """Count what another process let through."""
        for name, windows in self._windows.items():
            for use in told.uses.get(name, ()):
                windows.add(use)
        now_s = self._clock()
        for name, given in told.tokens.items():
            buckets = self._buckets.get(name)
            if buckets is not None:
                for key, count in given.items():
                    buckets.owe(key, now_s, count)

    def _owe(self, tokens: list[tuple[str, str]]) -> None:
        """Count the tokens that another process gave."""
        now_s = self._clock()
        for name, key in tokens:
            buckets = self._buckets.get(name)
            if buckets is not None:
                buckets.owe(key, now_s)


def limits_of(config: Config) -> RequestLimits | None:
    """Return the limits that are set; None where they are lifted."""
    if config.rate_limits == "off":
        return None
    return RequestLimits(
        Allowances(
            public=config.rate_limit_public,
            signed_in=config.rate_limit_signed_in,
            admin=config.rate_limit_admin,
            commands=config.rate_limit_commands,
        )
    )


def is_this_machine(client: str) -> bool:
    """Return whether this is, as limits count it, an address of the machine's own."""
    return client.startswith("127.") or client in _LOOPBACK_6


def _decoded(decode: Callable[[bytes], T], data: bytes) -> T | None:
    """Return what a message says; None for one of another version."""
    try:
        return decode(data)
    except msgspec.DecodeError:
        # Its sender counts for itself meanwhile.
        log.debug("counts that nobody here understands")
        return None


def _nothing_to_do() -> None:
    """Nothing is done about what was lost."""


LIMITS: Final = web.AppKey("limits", RequestLimits)
