"""Commands of our clients for events that other processes own.

Concurrency: one loop; `send` never waits. What is sent in one turn of the loop to one
owner goes as one message. The answer comes back by its number and is handed to the
envelope as if the actor were here.

A command that is lost on its way, or whose answer is, is answered `outcome_unknown`
before the client's own patience ends; where it surely did not arrive, the owner is
looked for again. Nothing is sent twice unless it surely had no effect.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import msgspec

from inventory import commands as c
from inventory.keys import OUTCOMES
from inventory.ports import Envelope
from inventory.replies import BlockedOk, HoldingOk, Ok, QuoteOk, Refused, refuse
from server.base import limits
from server.live.cluster.messages import (
    Answers,
    Commands,
    Forwarded,
    encode,
    process_topic,
)
from server.transport.bus.bus import Bus

_QUESTIONS: Final[dict[type, type[Ok]]] = {
    c.Holding: HoldingOk,
    c.Quote: QuoteOk,
    c.Blocked: BlockedOk,
}
"""What changes nothing, and how it is answered."""

_DECODERS: Final = {
    command: msgspec.msgpack.Decoder(reply | Refused).decode
    for command, reply in (OUTCOMES | _QUESTIONS).items()
}


class Waiting(NamedTuple):
    """A command that was forwarded and not yet answered."""

    envelope: Envelope
    owner: str
    ends: float
    tries: int


class Forwarder:
    """Sends commands to owners, and answers their envelopes.

    `misdirected` gets what was sent where its owner is not, and how often that was so
    by now: nothing happened.
    """

    def __init__(
        self, bus: Bus, me: str, misdirected: Callable[[Waiting], None]
    ) -> None:
        self.forwarded = 0
        self.unknown = 0
        self._bus = bus
        self._me = me
        self._misdirected = misdirected
        self._loop = asyncio.get_running_loop()
        self._numbers = 0
        self._waiting: dict[int, Waiting] = {}
        self._closed: set[str] = set()
        """Processes that leave, to which nothing is sent any more."""
        self._outgoing: defaultdict[str, list[Forwarded]] = defaultdict(list)

    def send(
        self, owner: str, envelope: Envelope, former: Waiting | None = None
    ) -> None:
        """Forward a command; its envelope is answered, now or later.

        Again, after `former`, it gets no more time than it had.
        """
        if len(self._waiting) >= limits.FORWARDED_MAX:
            envelope.reply(envelope, refuse("overloaded"))
            return
        if former is None:
            ends = self._loop.time() + limits.FORWARD_S_MAX
            one = Waiting(envelope, owner, ends, 0)
        else:
            one = former._replace(owner=owner)
        if owner in self._closed:
            self._misdirected(one._replace(tries=one.tries + 1))
            return
        self._numbers = number = self._numbers + 1
        self._waiting[number] = one
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing[owner].append(
            Forwarded(
                number,
                envelope.user,
                envelope.organizer,
                envelope.size,
                envelope.request_hash,
                envelope.command,  # type: ignore[arg-type]
                envelope.origin,
                envelope.system,
            )
        )

    def answered(self, answers: Answers) -> None:
        """Take answers of an owner; what nobody waits for any more is ignored."""
        waiting = self._waiting
        for item in answers.items:
            one = waiting.pop(item.number, None)
            if one is not None:
                envelope = one.envelope
                reply: Ok | Refused = _DECODERS[type(envelope.command)](item.reply)
                envelope.reply(envelope, reply)
        self._sent(answers.misdirected, 0)

    def gone(self, owner: str) -> None:
        """A process is dead: who waits for it need not wait longer."""
        self._closed.discard(owner)
        for number, one in list(self._waiting.items()):
            if one.owner == owner:
                del self._waiting[number]
                self._give_up(one.envelope)

    def close(self, owner: str) -> None:
        """Send nothing more to a process, but what was to be sent in this turn."""
        self._closed.add(owner)
        self._flush()

    def sweep(self) -> None:
        """Answer those who have waited for too long."""
        now = self._loop.time()
        for number, one in list(self._waiting.items()):
            if one.ends <= now:
                del self._waiting[number]
                self._give_up(one.envelope)

    def _give_up(self, envelope: Envelope) -> None:
        """Nobody here knows what became of it."""
        self.unknown += 1
        changes = type(envelope.command) not in _QUESTIONS
        envelope.reply(
            envelope, refuse("outcome_unknown" if changes else "unavailable")
        )

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, defaultdict(list)
        for owner, items in outgoing.items():
            self.forwarded += len(items)
            numbers = [item.number for item in items]
            data = encode(Commands(self._me, items))
            heard = partial(self._sent, numbers)
            if not self._bus.publish(process_topic(owner), data, heard):
                self._sent(numbers, 0)

    def _sent(self, numbers: list[int], receivers: int | None) -> None:
        """Hear how many got a message: where nobody did, nothing happened."""
        if receivers != 0:
            return
        for number in numbers:
            one = self._waiting.pop(number, None)
            if one is not None:
                self._misdirected(one._replace(tries=one.tries + 1))
