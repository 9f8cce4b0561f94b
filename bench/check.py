"""Judge what a server answered: every reply, after the run, from the raw frames.

Nothing is judged while the clock runs, so that the client stays cheap; and nothing is
left out, so that a server that answers twice, never, or with other seats is noticed.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec import Struct


class Added(Struct):
    """What a hold took."""

    seats: list[str] = []


class Reply(Struct):
    """The part of a reply that is judged; `hold` only ever comes from an echo."""

    op: str
    id: int | None = None
    hold: str | None = None
    version: int | None = None
    code: str | None = None
    added: Added | None = None


class Sent(Struct):
    """The part of a command's frame that the reply is held against."""

    id: int
    seats: list[str]


class Verdict:
    """Counts over all connections of one run."""

    def __init__(self) -> None:
        self.accepted: list[tuple[float, float, float]] = []
        """When each accepted command was due and answered, and the version it told."""

        self.refused: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.reply_bytes = 0
        """Length of a typical reply."""


_reply = msgspec.json.Decoder(Reply)
_sent = msgspec.json.Decoder(Sent)


def judge(
    frames: list[bytes],
    due_at: Sequence[float],
    replies: list[bytes],
    received_at: Sequence[float],
    echo: bool,
    verdict: Verdict,
) -> None:
    """Hold one connection's replies against its commands; their ids count from 0."""
    answered: set[int] = set()
    verdict.reply_bytes = len(replies[0]) if replies else verdict.reply_bytes
    for body, received in zip(replies, received_at, strict=True):
        try:
            reply = _reply.decode(body)
        except msgspec.DecodeError:
            verdict.faults["unreadable"] += 1
            continue
        command = reply.id
        if command is None or not 0 <= command < len(due_at):
            verdict.faults[f"not asked for: {reply.op}"] += 1
        elif command in answered:
            verdict.faults["answered twice"] += 1
        else:
            answered.add(command)
            fault = _fault(frames[command], body, reply, echo)
            if fault is not None:
                verdict.faults[fault] += 1
            elif reply.code is not None:
                verdict.refused[reply.code] += 1
            else:
                version = float(reply.version or 0)
                verdict.accepted.append((due_at[command], received, version))
    if len(answered) < len(due_at):
        verdict.faults["never answered"] += len(due_at) - len(answered)


def _fault(frame: bytes, body: bytes, reply: Reply, echo: bool) -> str | None:
    if echo:
        return None if body == frame else "not an echo"
    if reply.op in ("refused", "error"):
        return None if reply.code is not None else "refused without a code"
    if reply.op != "ok" or reply.hold is None or reply.version is None:
        return f"not a hold: {reply.op}"
    if reply.added is None or sorted(reply.added.seats) != sorted(
        _sent.decode(frame).seats
    ):
        return "other seats"
    return None


def percentile(ordered: list[float], share: float) -> float:
    """Nearest-rank percentile of values in order; 0 where there are none."""
    if not ordered:
        return 0.0
    rank = max(1, -int(-share * len(ordered) // 1))
    return ordered[min(rank, len(ordered)) - 1]
