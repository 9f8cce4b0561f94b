"""The rules of a gate: who passes, and what it comes to what several gates saw.

Pure: no clock, no database. `judge` decides about one scan. `fold` tells what all that
were let through come to, and so what an upload or an undo leaves; a scan that is
decided with what is known does the same as `fold` with it as the last.

| a ticket, on one list | scan in | scan out |
|---|---|---|
| never scanned | `ok`, then in | `not_in` |
| in | `already_in` | with re-entry `ok`, then out; else `wrong_list` |
| out | with re-entry `ok`, then in; else `already_in` | `not_in` |

An undone scan is as if it had not been.
"""

from collections.abc import Iterable
from typing import Final

from persistence.shop.checkin.facts import (
    Direction,
    Folded,
    Green,
    Judged,
    ListSeen,
    Result,
    Standing,
    TicketSeen,
)

_GOOD: Final = frozenset({"valid", "offered"})
"""States of tickets that pass; one that is offered to another is its holder's still."""


def judge(
    ticket: TicketSeen,
    generation: int,
    rules: ListSeen,
    standing: Standing,
    direction: Direction,
) -> Result:
    """Return what a scan of a good signature is answered.

    `generation` is the one of the code, `standing` where its holder is.
    """
    if ticket.state == "revoked" or generation != ticket.generation:
        return "revoked"
    if ticket.state not in _GOOD:
        return "locked"
    if rules.categories is not None and ticket.category not in rules.categories:
        return "wrong_list"
    if direction == "out":
        return _way_out(rules, standing)
    if not rules.open:
        return "too_early"
    again = standing == "out" and rules.reentry
    return "ok" if standing == "never" or again else "already_in"


def _way_out(rules: ListSeen, standing: Standing) -> Result:
    if not rules.reentry:
        # It has no way out: nobody is to lose the way back by it.
        return "wrong_list"
    return "ok" if standing == "in" else "not_in"


def fold(greens: Iterable[Green]) -> Folded:
    """Return what all that were let through with one ticket come to, in any order.

    The first is the entry, and each other one while its holder is in a double entry. A
    code that was revoked is no entry of its ticket: somebody is in who should not be.
    """
    standing: Standing = "never"
    since = last = None
    outcomes: dict[str, Judged] = {}
    for green in sorted(greens, key=lambda one: (one.sort_at, one.nonce)):
        if green.revoked:
            entered = green.direction == "in"
            outcomes[green.nonce] = Judged("entered_revoked" if entered else "nothing")
            continue
        last = green
        if green.direction == "out":
            if standing == "in":
                standing, since = "out", green
                outcomes[green.nonce] = Judged("exit")
            else:
                outcomes[green.nonce] = Judged("nothing")
        elif standing == "in" and since is not None:
            outcomes[green.nonce] = Judged("double_entry", since.nonce)
        else:
            standing, since = "in", green
            outcomes[green.nonce] = Judged("entry")
    return Folded(standing, since, last, outcomes)
