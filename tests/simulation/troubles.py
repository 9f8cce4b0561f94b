"""What befalls several processes: deaths that are known or not, zombies, a bad bus."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from server.live.actors.registry import EventNotFound, EventUnavailable
from tests.simulation.cluster import bury
from tests.simulation.tape import SPAN, Action

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

BURIED_S = 0.1
PAUSE_S_MAX = 16.0


def _seconds(action: Action, most: float) -> float:
    return most * action.a / SPAN


def _meant(world: "World", action: Action) -> "Process":
    return world.slots[action.who % len(world.slots)]


def _event(world: "World", action: Action) -> str:
    return world.events[action.b % len(world.events)]


def kill(world: "World", action: Action) -> None:
    """Kill a process; its parent knows, or its lease has to end."""
    process = _meant(world, action)
    if process.loop.alive:
        end(world, process, _seconds(action, 6.0), elsewhere=bool(action.b & 8))


def end(world: "World", process: "Process", away_s: float, *, elsewhere: bool) -> None:
    """Kill it, let it be buried where somebody knows, and start another later."""
    place = process.place
    process.kill()
    if place.supervised:
        world.scheduler.call_later(BURIED_S, bury, world, place.process)
    elif elsewhere:
        # Its machine is gone: who comes next knows nothing of it.
        world.nodes[place.slot] = f"m{len(world.processes)}"
    world.scheduler.call_later(away_s, world.restart, place.slot)


def stop(world: "World", action: Action) -> None:
    """Stop a process in order: it hands over what it owns."""
    process = _meant(world, action)
    if process.serves:
        retire(world, process)


def retire(world: "World", process: "Process") -> None:
    """Let a process end in order, and start another then."""
    process.stop()
    _come_back(world, process)


def _come_back(world: "World", process: "Process") -> None:
    """Start anew as soon as the stopping process is gone."""
    if process.loop.alive:
        world.scheduler.call_later(0.3, _come_back, world, process)
    else:
        if process.place.supervised:
            bury(world, process.place.process)
        world.restart(process.place.slot)


def pause(world: "World", action: Action) -> None:
    """Stop a process for a while; it may come back long after its leases are over."""
    process, seconds = _meant(world, action), _seconds(action, PAUSE_S_MAX)
    process.pause(seconds)
    if action.b & 1:
        # People do not wait for what does not answer.
        for client in world.clients:
            if client.wire is not None and client.wire.process is process:
                patience_s = 1.0 + world.latency()
                world.scheduler.call_later(patience_s, client.turn_away, client.wire)


def _silent(world: "World", action: Action) -> None:
    """Let a process neither say that it lives nor hear who does; it goes on serving."""
    registry = _meant(world, action).registry
    registry.silent = True
    world.scheduler.call_later(
        _seconds(action, 12.0), setattr, registry, "silent", False
    )


def _cut(world: "World", action: Action) -> None:
    bus = _meant(world, action).bus
    if bus is None:
        return
    if action.b & 1:
        bus.cut()
    else:
        bus.doom()


def _move(world: "World", action: Action) -> None:
    """Let somebody give an event to a process, through another one."""
    asked = _meant(world, action)
    cluster, event = asked.cluster, _event(world, action)
    serving = [one.place.process for one in world.slots if one.serves]
    if cluster is None or not asked.serves:
        return
    to = serving[action.a % len(serving)]

    async def move() -> None:
        try:
            await cluster.move(event, to)
        except (EventNotFound, EventUnavailable):
            world.faults["not moved"] += 1

    asked.do(move)


def _race(world: "World", action: Action) -> None:
    """Let an owner die, and all the others want its event at once."""
    event = _event(world, action)
    for process, _ in world.owners(event):
        end(world, process, _seconds(action, 3.0), elsewhere=False)
    world.scheduler.call_later(1.1 * BURIED_S, _want, world, event)


def _want(world: "World", event: str) -> None:
    for process in world.slots:
        if process.cluster is not None and process.serves:
            process.do(partial(process.cluster.take, event))


def _burst(name: str, seconds: float, strength: float) -> Callable[..., None]:
    """Make a fault that befalls messages for some time."""

    def begin(world: "World", action: Action) -> None:
        until = world.scheduler.now + _seconds(action, seconds)
        getattr(world.exchange, name).begin(until, strength * (1 + action.b % 8) / 8)

    return begin


TROUBLES: Final[dict[str, Callable[[Any, Action], None]]] = {
    "kill": kill,
    "stop": stop,
    "pause": pause,
    "silent": _silent,
    "move": _move,
    "race": _race,
    "bus cut": _cut,
    "bus down": lambda world, one: world.exchange.stop(_seconds(one, 6.0)),
    "bus frozen": lambda world, one: world.exchange.freeze(_seconds(one, 6.0)),
    "bus loses": _burst("losing", 4.0, 1.0),
    "bus doubles": _burst("doubling", 4.0, 1.0),
    "bus slow": _burst("slowing", 4.0, 2.0),
}
