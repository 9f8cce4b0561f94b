"""Makes a failing tape small: delta debugging over actions, then over the world."""

from collections.abc import Callable

from msgspec.structs import replace

from tests.simulation.tape import Action, Tape
from tests.simulation.world import play

PLAYS_MAX = 400
"""Counted and not timed: a slow machine makes a tape as small as a quick one."""


def kind_of(sentence: str) -> str:
    """Return what a violation is about, without its numbers and names."""
    words = sentence.partition("(")[0].split()
    return " ".join(word for word in words[:7] if not any(x.isdigit() for x in word))


def shrink(tape: Tape, sentence: str, plays: int = PLAYS_MAX) -> Tape:
    """Return a smaller tape that fails in the same way; the best of so many plays."""
    wanted = kind_of(sentence)
    left = plays

    def fails(candidate: Tape) -> bool:
        nonlocal left
        if not left:
            return False
        left -= 1
        return any(kind_of(one) == wanted for one in play(candidate).violations)

    tape = _fewer_actions(tape, fails)
    tape = _plainer_world(tape, fails)
    return replace(_fewer_actions(tape, fails), note=sentence)


def _fewer_actions(tape: Tape, fails: Callable[[Tape], bool]) -> Tape:
    """Leave out halves, quarters … of the actions, as long as it still fails."""
    size = max(1, len(tape.actions) // 2)
    while True:
        start = 0
        left_out = False
        while start < len(tape.actions):
            actions: list[Action] = tape.actions[:start] + tape.actions[start + size :]
            candidate = replace(tape, actions=actions)
            if fails(candidate):
                tape, left_out = candidate, True
            else:
                start += size
        if size == 1 and not left_out:
            return tape
        size = max(1, size // 2)


def _plainer_world(tape: Tape, fails: Callable[[Tape], bool]) -> Tape:
    """Ship the shipped limits, let nothing take time, and use fewer clients."""
    for name in list(tape.world.limits):
        fewer = {k: v for k, v in tape.world.limits.items() if k != name}
        tape = _try(tape, fails, limits=fewer)
    for plainer in (
        {"processes": min(2, tape.world.processes)},
        {"processes": 1, "deserted": False},
        {"deserted": False},
        {"shuffle": 0.0},
        {"latency_s": 0.0},
        {"look_s": 0.0},
        {"clock_drift": 0.0},
        {"clock_offset_s": 0.0},
        {"limited": False},
        {"kernel_bytes": 65_536},
        {"events": tape.world.events[:1]},
        {"watchers": 1},
        {"clients": 3, "users": 3},
    ):
        tape = _try(tape, fails, **plainer)
    last_s = tape.actions[-1].at_s if tape.actions else 0.0
    return _try(tape, fails, seconds=last_s)


def _try(tape: Tape, fails: Callable[[Tape], bool], **world: object) -> Tape:
    candidate = replace(tape, world=replace(tape.world, **world))
    return candidate if fails(candidate) else tape
