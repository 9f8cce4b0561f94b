"""What the actions of a tape do: numbers become commands and faults.

A number stands for a choice among what there is at that moment, so an action still
means something when others before it were taken out of the tape.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from inventory import commands as c
from tests.simulation.client import SEEING, Client, View
from tests.simulation.database import COMMIT_FAULTS
from tests.simulation.orders.buyers import Buyer
from tests.simulation.shop import ORDERS_MAX, Order
from tests.simulation.tape import SPAN, Action
from tests.simulation.troubles import TROUBLES

if TYPE_CHECKING:
    from tests.simulation.world import World

HOT: Final = 3
"""Choices of seats are skewed this much towards the front."""


def do(world: "World", action: Action) -> None:
    """Let one action happen."""
    kind = action.kind
    make = _COMMANDS.get(kind)
    if make is None:
        _fault(world, action)
        return
    client = _connected(world, action.who)
    if client is None:
        return
    events = world.events
    event = events[action.b % 7 % len(events)]
    command = make(client, event, action.a, action.b)
    if command is not None:
        if action.a & 1 and type(command) is not c.Holding:
            command.key = client.key()
        client.ask(command)


def _connected(world: "World", who: int) -> Client | None:
    """Find somebody who can ask: the one meant, or one of the next few."""
    clients = world.clients
    for number in range(who, who + 6):
        client = clients[number % len(clients)]
        if client.wire is not None:
            return client
    return None


def _pick(names: list[str], number: int) -> str | None:
    return names[number % len(names)] if names else None


def _seats(client: Client, event: str, a: int, b: int) -> list[str] | None:
    """Choose neighbours, most often in front where everybody wants to sit."""
    labels = client.world.plans[event].venue.labels
    start = int((a / SPAN) ** HOT * len(labels))
    return labels[start : start + 1 + b // 7 % 4]


def _hold(client: Client, event: str, a: int, b: int) -> Any:
    ttl_s = 1 + b % 9 if b & 64 else None
    return c.Hold(id=0, event=event, seats=_seats(client, event, a, b), ttl_s=ttl_s)


def _best(client: Client, event: str, a: int, b: int) -> Any:
    return c.HoldBest(
        id=0,
        event=event,
        quantity=1 + a % 5,
        category=(None, None, "1", "2", "9")[b % 5],
        accessible=b % 11 == 0,
        adjacent=b % 3 > 0,
    )


def _add(client: Client, event: str, a: int, b: int) -> Any:
    hold = _pick(client.holds[event], a)
    if hold is None:
        return _hold(client, event, a, b)
    if b & 8:
        return c.HoldBest(id=0, event=event, quantity=1 + a % 3, hold=hold)
    return c.Hold(id=0, event=event, seats=_seats(client, event, a, b), hold=hold)


def _area(client: Client, event: str, a: int, b: int) -> Any:
    areas = client.world.plans[event].venue.areas
    if not areas:
        return _best(client, event, a, b)
    label = areas[a % len(areas)].label
    seats = _seats(client, event, a, b) if b & 8 else None
    return c.Hold(id=0, event=event, seats=seats, areas={label: 1 + b % 6})


def _extend(client: Client, event: str, a: int, b: int) -> Any:
    hold = _pick(client.holds[event], a)
    ttl_s = 1 + b % 12 if b & 16 else None
    if hold is None:
        return _hold(client, event, a, b)
    return c.Extend(id=0, event=event, hold=hold, ttl_s=ttl_s)


def _release(client: Client, event: str, a: int, b: int) -> Any:
    hold = _pick(client.holds[event], a)
    seats = _seats(client, event, a, b) if b % 5 == 0 else None
    if hold is None:
        return _hold(client, event, a, b)
    return c.Release(id=0, event=event, hold=hold, seats=seats)


def _book(client: Client, event: str, a: int, b: int) -> Any:
    hold = _pick(client.holds[event], a)
    order = f"o{a}" if b & 8 else None
    if hold is None:
        return _best(client, event, a, b)
    return c.Book(id=0, event=event, hold=hold, order=order)


def _cancel(client: Client, event: str, a: int, b: int) -> Any:
    booking = _pick(client.bookings[event], a)
    if booking is None:
        return _best(client, event, a, b)
    return c.Cancel(id=0, event=event, booking=booking)


def _holding(client: Client, event: str, a: int, b: int) -> Any:
    return c.Holding(id=0, event=event)


def _again(client: Client, event: str, a: int, b: int) -> Any:
    """Ask again with the same key: what is unsure first, then anything."""
    if client.unsure:
        client.again(client.unsure.pop(a % len(client.unsure)))
    elif client.keyed:
        client.again(client.keyed[a % len(client.keyed)])
    else:
        return _hold(client, event, a, b)
    return None


def _reuse(client: Client, event: str, a: int, b: int) -> Any:
    """Use a key again for something else."""
    if not client.keyed:
        return _hold(client, event, a, b)
    former = client.keyed[a % len(client.keyed)].command
    command: Any
    if isinstance(former, c.Book):
        command = replace(former, order=f"other {b}")
    else:
        command = _best(client, former.event, a, b)
        command.key = former.key
    client.ask(command)
    return None


def _strange(client: Client, event: str, a: int, b: int) -> Any:
    """Name what is not there, or is somebody else's."""
    other = client.world.clients[b % len(client.world.clients)]
    hold = _pick(other.holds[event], a) or "nobody's"
    match a % 4:
        case 0:
            return c.Book(id=0, event=event, hold=hold)
        case 1:
            return c.Release(id=0, event=event, hold=hold)
        case 2:
            return c.Hold(id=0, event=event, seats=["Z-1", "A-1"])
        case _:
            booking = _pick(other.bookings[event], a) or "nobody's"
            return c.Cancel(id=0, event=event, booking=booking)


def _order(client: Client, event: str, a: int, b: int) -> Any:
    """Let an order have a hold, perhaps one that another has."""
    world, hold = client.world, _pick(client.holds[event], a)
    if hold is None:
        return _hold(client, event, a, b)
    if len(world.orders) < ORDERS_MAX:
        world.orders.append(Order(world, client, event, hold, a, b))
    return None


def _buy(client: Client, event: str, a: int, b: int) -> Any:
    """Let somebody order what they hold, or what they are about to."""
    world, hold = client.world, _pick(client.holds[event], a)
    if hold is None:
        return _hold(client, event, a, b)
    if len(world.buyers) < ORDERS_MAX:
        world.buyers.append(Buyer(world, client.user, event, hold, a, b))
    return None


def _block(client: Client, event: str, a: int, b: int) -> Any:
    office = client.world.clients[0]
    seats = _seats(client, event, SPAN - a, b)
    if seats and office.wire is not None:
        office.ask(c.Block(id=0, event=event, seats=seats))
    return None


def _unblock(client: Client, event: str, a: int, b: int) -> Any:
    office = client.world.clients[0]
    seats = _seats(client, event, SPAN - a, b)
    if seats and office.wire is not None:
        office.ask(c.Unblock(id=0, event=event, seats=seats))
    return None


_COMMANDS: Final[dict[str, Callable[[Client, str, int, int], Any]]] = {
    "hold": _hold,
    "best": _best,
    "add": _add,
    "area": _area,
    "extend": _extend,
    "release": _release,
    "book": _book,
    "cancel": _cancel,
    "holding": _holding,
    "again": _again,
    "reuse": _reuse,
    "strange": _strange,
    "block": _block,
    "unblock": _unblock,
    "order": _order,
    "buy": _buy,
}


def _fault(world: "World", action: Action) -> None:
    """Let something go wrong, or somebody do what clients do."""
    kind = action.kind
    if kind in COMMIT_FAULTS:
        world.database.armed.append((kind, 3.0 * action.a / SPAN))
        return
    world.faults[kind] += 1
    if world.plan.processes > 1 and kind in TROUBLES:
        TROUBLES[kind](world, action)
    elif kind in _OUTSIDE:
        _OUTSIDE[kind](world, action)
    elif kind in _BY_CLIENTS:
        client = world.clients[action.who % len(world.clients)]
        _BY_CLIENTS[kind](world, client, action)


def _seconds(action: Action, most: float) -> float:
    return most * action.a / SPAN


def _kill(world: "World", action: Action) -> None:
    world.process.kill()
    world.scheduler.call_later(_seconds(action, 2.0), world.restart)


def _stop(world: "World", action: Action) -> None:
    if world.process.loop.alive and not world.process.stopping:
        world.process.stop()
        _come_back(world)


def _come_back(world: "World") -> None:
    """Start anew as soon as the stopping process is gone."""
    if world.process.stopping and world.process.loop.alive:
        world.scheduler.call_later(0.3, _come_back, world)
    else:
        world.restart()


def _pause(world: "World", action: Action) -> None:
    """Stop a process for a while; another may think that it is dead, and take over."""
    seconds = _seconds(action, 12.0)
    world.process.pause(seconds)
    if action.b & 1:
        event = world.events[action.b % len(world.events)]
        stays_s = seconds * (action.b & 7) / 16
        world.scheduler.call_later(0.9 * seconds, world.rival.usurp, event, stays_s)


def _sale(world: "World", action: Action) -> None:
    event = world.events[action.b % len(world.events)]
    world.office(c.ChangeSale(id=0, event=event, to="pause"))
    resume = c.ChangeSale(id=0, event=event, to="resume")
    world.scheduler.call_later(_seconds(action, 1.0), world.office, resume)


def _arm_fence(world: "World", action: Action) -> None:
    world.database.armed_fences += 1


def _bank_away(world: "World", action: Action) -> None:
    world.bank.down_until = world.scheduler.now + _seconds(action, 20.0)


def _doubt(world: "World", action: Action) -> None:
    """Let the bank of somebody who paid by then dispute all of it, or a part."""
    share, wins = (1.0, 1.0, 0.4)[action.b % 3], action.b % 5 < 2
    world.bank.doubt_later(_seconds(action, 30.0), action.b, share, wins)


_OUTSIDE: Final[dict[str, Callable[["World", Action], None]]] = {
    "fence": _arm_fence,
    "crash": lambda world, one: world.database.crash(_seconds(one, 4.0)),
    "freeze": lambda world, one: world.database.freeze(_seconds(one, 7.0)),
    "disk": lambda world, one: world.database.fill_disk(_seconds(one, 5.0)),
    "pause": _pause,
    "kill": _kill,
    "stop": _stop,
    "sale": _sale,
    "bank": _bank_away,
    "doubt": _doubt,
    "cancel event": lambda world, one: world.office(
        c.ChangeSale(id=0, event=world.events[0], to="cancel")
    ),
}


def _leave(world: "World", client: Client, action: Action) -> None:
    client.leave(_seconds(action, 1.0), lost=False)


def _drop(world: "World", client: Client, action: Action) -> None:
    client.leave(_seconds(action, 0.3), lost=True)


def _stall(world: "World", client: Client, action: Action) -> None:
    client.stall(_seconds(action, 15.0))


def _mumble(world: "World", client: Client, action: Action) -> None:
    frames = (b"", b"{", b'{"op":"hold"}', b"\x81\xa2op\x01", b"[]", b"\xff")
    client.mumble(frames[action.a % len(frames)])


def _watch(world: "World", client: Client, action: Action) -> None:
    event = world.events[action.a % len(world.events)]
    view = client.views.get(event)
    if client.wire is None or (view is not None and view.state not in SEEING):
        return
    if view is None:
        view = client.views[event] = View()
    client.watch(event, view, fresh=bool(action.b & 1))


_BY_CLIENTS: Final[dict[str, Callable[["World", Client, Action], None]]] = {
    "leave": _leave,
    "drop": _drop,
    "stall": _stall,
    "mumble": _mumble,
    "ping": lambda world, client, one: client.ping(),
    "watch": _watch,
    "unwatch": lambda world, client, one: client.unwatch(
        world.events[one.a % len(world.events)]
    ),
}
