"""`bench check-in`: gates that scan, beside a bare aiohttp handler with the same bytes.

Devices scan at a steady rate: each ticket once, and then some of them again, as happens
at a door. Every scan is asked of Onsale, and half an interval later the same is sent to
a handler that does nothing: so both see the same machine at the same time. A latency
counts from when the scan was due.
"""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import aiohttp
import msgspec
from cyclopts import Parameter
from msgspec import Struct

from bench.children import ChildError
from bench.contenders import start_module
from bench.lab import Lab, describe
from bench.office import Office
from bench.onsale import open_office
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.samples import latency_of
from bench.usage import cpu_seconds

P50_MS_MAX: Final = 4.0
P99_MS_MAX: Final = 25.0
PER_BOOKING: Final = 10
AGAIN: Final = 0.1
"""Of the scans: of a ticket that is in already."""

TICKETS_S_MAX: Final = 30.0
"""How long tickets may take after their bookings."""

ONSALE, BARE = "onsale", "bare"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of a measurement, as they are typed and go into its report."""

    rate: float = 50.0
    """Scans per second, of all gates together."""

    seconds: float = 20.0
    """Length of the measured window."""

    warmup: float = 2.0
    """Seconds of scans before it."""

    gates: int = 8
    """Devices, each with a connection of its own."""

    watched: Annotated[bool, Parameter(negative=())] = False
    """Read the counts once a second meanwhile, as a page that shows them."""


USUAL: Final = Options()


class Scanned(Struct):
    """What the scans of a server came to."""

    latencies_ms: list[float] = []
    results: Counter[str] = msgspec.field(default_factory=Counter)
    cpu_s: float = 0.0


class Door(Struct):
    """An event with tickets, and a device of its organisation."""

    event: str
    key: str
    codes: list[str]


async def open_door(office: Office, tickets: int) -> Door:
    """Sell so many places, and wait for their tickets."""
    organisation = await office.ask("POST", "/v1/organisations", {"name": "Door"})
    starts_at = datetime.now(UTC) + timedelta(days=30)
    event = await office.ask(
        "POST",
        "/v1/events",
        {
            "name": "Bench night",
            "capacity": tickets + PER_BOOKING,
            "starts_at": starts_at.isoformat(),
            "organisation": organisation["id"],
        },
    )
    path = f"/v1/events/{event['id']}"
    await office.ask("POST", f"{path}/publish", {})
    made = await office.ask(
        "POST",
        f"/v1/organisations/{organisation['id']}/api-keys",
        {"name": "Gate", "scopes": ["checkin"]},
    )
    buyers = await office.guests(-(-tickets // PER_BOOKING))
    async with aiohttp.ClientSession(url_of(office)) as session:
        for token in buyers:
            headers = {"Authorization": f"Bearer {token}"}
            hold = {"op": "hold", "areas": {"GA": PER_BOOKING}}
            held = await _sent(session, "POST", f"{path}/commands", headers, hold)
            book = {"op": "book", "hold": held["hold"]}
            await _sent(session, "POST", f"{path}/commands", headers, book)
        codes: list[str] = []
        for token in buyers:
            codes += await _codes(session, token)
    return Door(event["id"], made["key"], codes[:tickets])


def url_of(office: Office) -> str:
    """Return where the interface of a server is."""
    return f"{'https' if office.secure else 'http'}://{office.address}"


async def _codes(session: aiohttp.ClientSession, token: str) -> list[str]:
    """Return the codes of what somebody booked, once the tickets are made."""
    headers = {"Authorization": f"Bearer {token}"}
    async with asyncio.timeout(TICKETS_S_MAX):
        while True:
            page = await _sent(session, "GET", "/v1/tickets", headers)
            if len(page["items"]) == PER_BOOKING:
                return [one["code"] for one in page["items"]]
            await asyncio.sleep(0.05)


async def _sent(
    session: aiohttp.ClientSession,
    method: str,
    path: str,
    headers: dict[str, str],
    body: object = None,
) -> Any:
    async with session.request(method, path, json=body, headers=headers) as answer:
        if answer.status >= 300:
            raise ChildError(f"{method} {path}: {answer.status} {await answer.text()}")
        return await answer.json()


def bodies_of(door: Door, count: int) -> list[dict[str, object]]:
    """Return the scans, in order: now and then one of a ticket that was scanned."""
    bodies: list[dict[str, object]] = []
    fresh = iter(door.codes)
    last = ""
    for number in range(count):
        if not last or number % round(1 / AGAIN):
            last = next(fresh)
        scan = {"event": door.event, "code": last, "nonce": f"bench-{number}"}
        bodies.append({**scan, "gate": f"gate {number % USUAL.gates}"})
    return bodies


class Gates:
    """Devices that scan at one server, at a steady rate."""

    def __init__(self, session: aiohttp.ClientSession, key: str) -> None:
        self.scanned = Scanned()
        self._session = session
        self._headers = {"X-API-Key": key}

    async def scan(self, body: dict[str, object], due: float, *, counts: bool) -> None:
        """Scan when it is due, and note how long that took."""
        await asyncio.sleep(due - time.perf_counter())
        answer = await _sent(
            self._session, "POST", "/v1/checkin/scans", self._headers, body
        )
        if counts:
            took_s = time.perf_counter() - due
            self.scanned.latencies_ms.append(took_s * 1_000)
            self.scanned.results[answer["result"]] += 1


async def measure(lab: Lab, options: Options) -> tuple[dict[str, Scanned], int]:
    """Scan at both; return what came of it, and how many are in then."""
    warm = int(options.rate * options.warmup)
    count = warm + int(options.rate * options.seconds)
    async with AsyncExitStack() as stack:
        office, pids, _ = await open_office(stack, lab)
        door = await open_door(office, count)
        bodies = bodies_of(door, count)
        shown = {"result": "ok", "ticket": "tkt_" + 22 * "x", "at": "x" * 24}
        content = "application/json", msgspec.json.encode(shown)
        bare = await start_module(
            stack, lab, "bench.baselines.page", stdin=msgspec.json.encode(content)
        )
        gates = {}
        for name, url in (
            (ONSALE, url_of(office)),
            (BARE, f"http://{await bare.address()}"),
        ):
            connector = aiohttp.TCPConnector(limit=options.gates)
            session = aiohttp.ClientSession(url, connector=connector)
            gates[name] = Gates(await stack.enter_async_context(session), door.key)
        used = {ONSALE: pids, BARE: [bare.pid]}
        before = {name: cpu_seconds(some) for name, some in used.items()}
        begin, step = time.perf_counter() + 0.5, 1 / options.rate
        async with asyncio.TaskGroup() as group:
            for number, body in enumerate(bodies):
                for place, one in enumerate(gates.values()):
                    due = begin + (number + place / 2) * step
                    group.create_task(one.scan(body, due, counts=number >= warm))
            if options.watched:
                group.create_task(_watch(office, door.event, count * step))
        for name, some in used.items():
            gates[name].scanned.cpu_s = (cpu_seconds(some) - before[name]) / count
        path = f"/v1/events/{door.event}/checkin/counts"
        counted = await office.ask("GET", path, None)
        return {name: one.scanned for name, one in gates.items()}, counted["lists"][0][
            "in"
        ]


async def _watch(office: Office, event: str, for_s: float) -> None:
    for _ in range(int(for_s)):
        await office.ask("GET", f"/v1/events/{event}/checkin/counts", None)
        await asyncio.sleep(1.0)


def conclude(
    scanned: dict[str, Scanned],
    inside: int,
    options: Options,
    machine: dict[str, object],
) -> Outcome:
    """Make the table, and hold the latencies against what is promised."""
    rows, values = [], []
    for name, one in scanned.items():
        latency = latency_of(sorted(one.latencies_ms))
        p50, p99 = latency.p50_ms, latency.p99_ms
        bounds = (P50_MS_MAX, P99_MS_MAX) if name == ONSALE else (None, None)
        for what, value, most in (("p50", p50, bounds[0]), ("p99", p99, bounds[1])):
            values.append(
                Value(name=f"{name}, {what}", value=value, unit="ms", at_most=most)
            )
        cpu_ms = f"{one.cpu_s * 1_000:.2f}"
        each = f"{len(one.latencies_ms):,}"
        took = f"{p50:.2f}", f"{p99:.2f}", f"{latency.max_ms:.1f}"
        rows.append([name, each, *took, cpu_ms])
    count = int(options.rate * options.warmup) + int(options.rate * options.seconds)
    results = scanned[ONSALE].results
    missed = [
        f"{number} scans were answered {result}"
        for result, number in results.items()
        if result not in ("ok", "already_in")
    ]
    wanted = entries_of(count)
    if inside != wanted:
        missed.append(f"{inside} are in, and not {wanted}")
    return Outcome(
        bench="check-in",
        title=f"{options.rate:g} scans per second at {options.gates} gates",
        settings=asdict(options),
        machine=machine,
        columns=["server", "scans", "p50 ms", "p99 ms", "max", "CPU ms"],
        rows=rows,
        values=values,
        figures={"results": dict(results)},
        notes=["CPU: of the server for one scan, without its Postgres."],
        missed=missed,
    )


def entries_of(count: int) -> int:
    """Return how many of so many scans are of a ticket that was not scanned before."""
    every = round(1 / AGAIN)
    return count - (max(count - 1, 0) // every)


def check_in(options: Options = USUAL, *, common: Common = HERE) -> int:
    """Measure scans at the gates of an event, beside a handler that does nothing.

    Ends with 1 where half of them take longer than 4 ms, or one in a hundred longer
    than 25 ms, or where anybody is in twice.
    """

    async def work(lab: Lab) -> Outcome:
        machine = await describe(lab)
        return conclude(*await measure(lab, options), options, machine)

    return in_lab(work, common)
