"""Asks for what a line wants of who joins, and says what was passed of it.

Concurrency: any process; nothing is kept between a challenge and its proof, which the
row that it made keeps for once. How many came from a network is counted in the tables,
and here as they come, so that it is right within `COUNTED_S` of other processes.
"""

import secrets
from collections import Counter
from hashlib import sha256
from typing import Final

from msgspec import Struct

from inventory.ports import Clock
from persistence.events.line.entries import Entries
from persistence.events.line.looks import Looks
from server.base.access import Denial
from server.base.refusals.refusals import Denied, Refusal
from server.events.catalogue.service import FoundEvent
from server.events.line.gates.captcha import Captcha, CaptchaGone
from server.events.line.gates.rules import (
    STEP_BITS,
    Needs,
    account_days_of,
    harder,
    needs_of,
)
from server.events.line.gates.work import BadProof, Challenge, Reason, Work
from server.events.line.rules import mode_of, terms_of

DAY_MS: Final = 86_400_000
COUNTED_S: Final = 5.0
COUNTED_MAX: Final = 100_000
RANDOM_BYTES: Final = 20

NEEDED: Final = "Solve a challenge first: GET /v1/events/{event}/line/challenge."
CAPTCHA_NEEDED: Final = "Solve the captcha first, and send what it gave as `captcha`."
CAPTCHA_WRONG: Final = "The captcha was not solved, or not for this."
OLD_ACCOUNT_NEEDED: Final = (
    "This line is for those who have had an account for {days} days; a guest has none."
)
ACCOUNT_TOO_NEW: Final = (
    "This line is for those who have had an account for {days} days: yours is newer."
)
USED: Final = "This proof was used before: solve another challenge."
WHY: Final[dict[Reason, str]] = {
    "unreadable": "This proof cannot be read.",
    "not ours": "This proof is of a challenge that is not ours.",
    "wrong": "This proof does not solve its challenge.",
    "expired": "This challenge is too old: get another one.",
    "of another": "This challenge is another's, or of another event.",
    "too easy": "More is asked by now: get another challenge.",
}


class Passed(Struct, frozen=True):
    """What somebody passed who joins; what stands for it is used up with the place."""

    proof: bytes | None = None
    captcha: bytes | None = None
    gates: str | None = None


class Answers(Struct, frozen=True):
    """What somebody who joins gives for the gates, and which network they come from."""

    proof: str | None
    captcha: str | None
    net: str | None


class Gatekeeper:
    """The gates of all lines. Raises `Refusal`, and `Unavailable`."""

    def __init__(
        self, work: Work, captcha: Captcha | None, entries: Entries, clock: Clock
    ) -> None:
        self.captcha = captcha
        self.passes: Counter[tuple[str, str]] = Counter()
        """How often a gate was passed, or was not, by gate and outcome."""
        self._work = work
        self._entries = entries
        self._places = Looks(entries.several)
        self._from = Looks(entries.counts_from)
        self._accounts = Looks(entries.registered)
        self._clock = clock
        self._came: dict[tuple[str, str], tuple[float, int]] = {}

    async def needs(self, event: FoundEvent, net: str | None) -> Needs:
        """Return what is asked of the next who comes from a network."""
        settings = event.board.settings
        if mode_of(settings) in (None, "list"):
            return Needs()
        gate = terms_of(settings).gate
        came = 0 if net is None else await self._counted(event.id, net)
        captcha = self.captcha
        there = captcha is not None and captcha.is_there
        return needs_of(gate, came, captcha_there=there)

    async def challenge(
        self, event: FoundEvent, user: str, net: str | None
    ) -> tuple[Challenge, Needs]:
        """Return what somebody has to solve, and what is asked at all."""
        needs = await self.needs(event, net)
        now_s = self._clock.now_ms() // 1_000
        random = secrets.token_bytes(RANDOM_BYTES)
        challenge = self._work.challenge(event.id, user, needs.bits, now_s, random)
        return challenge, needs

    async def check(self, event: FoundEvent, user: str, given: Answers) -> Passed:
        """Return what somebody passed.

        Raises `Refusal` where it is not enough, and `Denied` where nothing they could
        give is: with no account that is old enough.
        """
        needs = await self.needs(event, given.net)
        days = account_days_of(event.board.settings)
        if not (needs.anything or days) or await self._is_in(event, user):
            return Passed()
        gates, captcha = [], None
        if days:
            await self._refuse_new_account(user, days)
            gates.append("account")
        bits = needs.bits
        if needs.captcha:
            try:
                captcha = await self._solved(given.captcha)
                gates.append("captcha")
            except CaptchaGone:
                self.passes["captcha", "gone"] += 1
                bits = harder(bits, STEP_BITS)
        proof = None
        if bits:
            proof = self._worked(event, user, given.proof, bits)
            gates.append("pow")
        return Passed(proof, captcha, " ".join(gates))

    def came(self, event: str, net: str | None) -> None:
        """Count somebody who has a new place."""
        known = None if net is None else self._came.get((event, net))
        if net is not None and known is not None:
            self._came[event, net] = known[0], known[1] + 1

    async def refuse_used(self, passed: Passed) -> None:
        """Refuse what made a place before."""
        if passed.proof is None and passed.captcha is None:
            return
        if await self._entries.is_used(passed.proof, passed.captcha):
            gate = "captcha" if passed.proof is None else "work"
            self.passes[gate, "used"] += 1
            raise Refusal("proof_needed", USED)

    async def _is_in(self, event: FoundEvent, user: str) -> bool:
        """Return whether somebody has a place, which they are told again."""
        entry = await self._places.find((event.id, user))
        return entry is not None and entry.over_at is None

    async def _refuse_new_account(self, user: str, days: int) -> None:
        """Let nobody by who has no account, or one that is not `days` old."""
        since = await self._accounts.find(user)
        if since is None:
            self.passes["account", "missing"] += 1
            raise Denied(Denial("forbidden", OLD_ACCOUNT_NEEDED.format(days=days)))
        age_ms = self._clock.now_ms() - int(1_000 * since.timestamp())
        if age_ms < days * DAY_MS:
            self.passes["account", "refused"] += 1
            raise Denied(Denial("forbidden", ACCOUNT_TOO_NEW.format(days=days)))
        self.passes["account", "passed"] += 1

    def _worked(
        self, event: FoundEvent, user: str, proof: str | None, bits: int
    ) -> bytes:
        if proof is None:
            self.passes["work", "missing"] += 1
            raise Refusal("proof_needed", NEEDED)
        now_s = self._clock.now_ms() // 1_000
        try:
            used = self._work.check(proof, event.id, user, bits, now_s)
        except BadProof as error:
            self.passes["work", "refused"] += 1
            raise Refusal("proof_needed", WHY[error.reason]) from error
        self.passes["work", "passed"] += 1
        return used

    async def _solved(self, answer: str | None) -> bytes:
        captcha = self.captcha
        if captcha is None:
            raise CaptchaGone
        if answer is None:
            self.passes["captcha", "missing"] += 1
            raise Refusal("proof_needed", CAPTCHA_NEEDED)
        if not await captcha.verify(answer):
            self.passes["captcha", "refused"] += 1
            raise Refusal("proof_needed", CAPTCHA_WRONG)
        self.passes["captcha", "passed"] += 1
        return sha256(answer.encode()).digest()

    async def _counted(self, event: str, net: str) -> int:
        now = self._clock.monotonic()
        known = self._came.get((event, net))
        if known is None or now - known[0] > COUNTED_S:
            if len(self._came) >= COUNTED_MAX:
                self._came.clear()
            known = now, await self._from.find((event, net)) or 0
            self._came[event, net] = known
        return known[1]
