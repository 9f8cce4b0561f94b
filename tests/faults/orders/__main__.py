"""`python -m tests.faults.orders`: orders while their server and gateway are killed."""

import argparse
import asyncio
import sys

from tests.faults.database import Database
from tests.faults.orders.campaign import Report, run
from tests.faults.orders.parts import parts_at


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.faults.orders", description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument(
        "--storm", type=int, default=280, help="orders, 36 webhooks each"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    database = Database()
    try:
        database.start()
        report = asyncio.run(
            _run(database.url, options.kills, options.storm, options.seed)
        )
    finally:
        database.remove()
    for line in report.lines():
        sys.stdout.write(f"{line}\n")
    return 1 if report.wrong else 0


async def _run(url: str, kills: int, storm: int, seed: int) -> Report:
    await _migrated(url)
    async with parts_at(url) as parts:
        return await run(parts, kills, storm, seed)


async def _migrated(url: str) -> None:
    """Make the tables, which the halts need before there is a server."""
    import asyncpg

    from persistence.postgres.migrate import migrate

    connection = await asyncpg.connect(url)
    try:
        await migrate(connection)
    finally:
        await connection.close()


if __name__ == "__main__":
    sys.exit(main())
