"""`python -m bench NAME`: measure the server, against baselines or its figures."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from bench import hot as scenario
from bench import report
from bench.children import ChildError
from bench.forward import forward
from bench.lab import Lab
from bench.memory import memory
from bench.outcome import new_console
from bench.snapshot import snapshot
from bench.start import start
from bench.watchers import watchers

app = App(name="bench", help="Measurements of the whole server, by name.")

Server = Literal["echo", "onsale", "row_locks", "row_locks_seats", "redis_script"]
DEFAULT = scenario.Options()
USUAL: tuple[Server, ...] = ("echo", "onsale", "row_locks", "redis_script")

for command in (forward, memory, snapshot, start, watchers):
    app.command(command)


@app.command
def hot(
    *,
    connections: int = DEFAULT.connections,
    in_flight: int = DEFAULT.in_flight,
    seconds: float = DEFAULT.seconds,
    warmup: float = DEFAULT.warmup,
    seats_per_hold: int = DEFAULT.seats_per_hold,
    seats_per_event: int = DEFAULT.seats_per_event,
    keys: bool = DEFAULT.keys,
    rounds: int = DEFAULT.rounds,
    loop: Literal["uvloop", "asyncio"] = "uvloop",
    servers: Annotated[tuple[Server, ...], Parameter(consume_multiple=True)] = USUAL,
    rate_max: int = DEFAULT.rate_max,
    database_url: str | None = None,
    json: Path | None = None,
) -> int:
    """Measure accepted, committed holds per second on one hot event.

    The table goes to stderr, the JSON to stdout or to the file.

    Parameters
    ----------
    connections
        Websocket connections, each a buyer of its own.
    in_flight
        Commands that each connection keeps unanswered.
    seconds
        Length of the measured window.
    warmup
        Seconds of load before it.
    seats_per_hold
        Neighbouring seats asked for by each command.
    seats_per_event
        Seats of the arena; when they are sold, the sale goes on with a further event.
    keys
        Give every command an idempotency key.
    rounds
        How often all of it is repeated.
    loop
        Event loop of the servers.
    servers
        Which servers, in this order.
    rate_max
        Holds per second that seats are provided for.
    database_url
        A Postgres to use instead of starting one; its databases named `bench_…` are
        dropped.
    json
        Write the JSON here.
    """
    options = scenario.Options(
        connections=connections,
        in_flight=in_flight,
        seconds=seconds,
        warmup=warmup,
        seats_per_hold=seats_per_hold,
        seats_per_event=seats_per_event,
        keys=keys,
        rounds=rounds,
        loop=loop,
        servers=servers,
        rate_max=rate_max,
    )
    return _measure(options, database_url, json)


def _measure(options: scenario.Options, url: str | None, json: Path | None) -> int:
    """Measure, report, and return the exit status."""
    console = new_console()

    async def work(directory: Path, url: str, pids: list[int]) -> scenario.Report:
        lab = Lab(
            directory=directory,
            admin_url=url,
            store_pids=pids,
            connections=options.connections,
            seats_per_event=options.seats_per_event,
            seats_per_hold=options.seats_per_hold,
            loop=options.loop,
        )
        return await scenario.measure(options, lab, console.print)

    try:
        done = scenario.run_with_store(work, url)
    except ChildError as error:
        console.print(str(error), style="bold red", markup=False)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Stopped; nothing is left behind.")
        return 130
    report.show(done, console)
    if json is None:
        sys.stdout.buffer.write(report.as_json(done))
    else:
        json.write_bytes(report.as_json(done))
    return 1 if report.failed(done) else 0


def main() -> None:
    """Run the command line."""
    os.chdir(Path(__file__).resolve().parents[1])  # children import `bench` from here
    sys.exit(app())


if __name__ == "__main__":
    main()
