"""`onsale audit`: replay an event's journal and compare it with the tables.

It runs beside a server as well as without one: in a transaction that only reads, at a
lower priority, in a process of its own.
"""

import asyncio
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from inventory.money import text_of
from persistence.data_directory import DataDirectory, DataDirectoryError
from persistence.embedded import EmbeddedPostgres, EmbeddedPostgresError, running_url
from persistence.embedded.places import existing_home
from persistence.journal.audit import Counts, NotAuditable, Receipt, audit_with_seed
from server.base.log import plain, plain_json
from server.base.settings import Config, ConfigError, read_config
from server.events.audit.receipts import ReceiptKey, unsigned

OK: Final = 0
DIFFERENCE: Final = 1
UNUSABLE: Final = 2

NICENESS: Final = 5
WIDTH: Final = 100
"""Of the table where it goes to a file."""


def audit(
    event: str,
    *,
    json: Annotated[bool, Parameter(negative=())] = False,
    database_url: str | None = None,
    data_dir: str | None = None,
) -> int:
    """Replay an event's journal, compare it with the tables and print the receipt.

    Ends with 0 when they agree, 1 when they do not, 2 when there is nothing to audit.

    Args:
        event: the event's id.
        json: print the receipt as JSON, signed: what `verify` takes.
        database_url: a Postgres; without it that of the data directory (DATABASE_URL).
        data_dir: the directory of a server on this machine (ONSALE_DATA_DIR).
    """
    # A sale on the same machine goes first.
    os.nice(NICENESS)
    try:
        config = read_config(os.environ, database_url=database_url, data_dir=data_dir)
        with ExitStack() as stack:
            url = database_of(config, stack)
            receipt, seed = asyncio.run(audit_with_seed(url, event))
        key = _receipt_key(config, seed)
    except (
        ConfigError,
        DataDirectoryError,
        EmbeddedPostgresError,
        NotAuditable,
    ) as error:
        sys.stderr.write(f"onsale: {error}\n")
        return UNUSABLE
    if json:
        document = unsigned(receipt) if key is None else key.sign(receipt)
        sys.stdout.write(plain_json(msgspec.json.encode(document).decode()) + "\n")
    else:
        _print(receipt)
    return OK if receipt.ok else DIFFERENCE


def database_of(config: Config, stack: ExitStack) -> str:
    """Return the database's address; start the embedded one where nobody has.

    Raises `NotAuditable` where there is none, and whatever keeps one from starting.
    """
    if config.database_url is not None:
        return config.database_url
    data = DataDirectory(Path(config.data_dir))
    home = existing_home(data) if data.path.is_dir() else None
    if home is None:
        raise NotAuditable(
            f"There is no database in {data.path}: say where it is with --data-dir or"
            " --database-url."
        )
    url = running_url(data)
    if url is None:
        stack.enter_context(data)
        postgres = EmbeddedPostgres(data)
        stack.callback(postgres.stop)
        url = postgres.start()
    return url


def _receipt_key(config: Config, seed: bytes | None) -> ReceiptKey | None:
    """Return the key of the server; None before the first one made it."""
    if config.secret_key is None:
        return None if seed is None else ReceiptKey(seed)
    try:
        return ReceiptKey.from_secret(config.secret_key)
    except ValueError as error:
        raise ConfigError(f"ONSALE_SECRET_KEY: {error}") from error


def _print(receipt: Receipt) -> None:
    table = Table(title="Audit receipt", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in _lines(receipt):
        table.add_row(name, Text(plain(value)))
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(table)
    for difference in receipt.differences:
        console.print(f"DIFFERENCE: {plain(difference)}", markup=False, highlight=False)
    console.print(
        "Journal and tables agree." if receipt.ok else "Journal and tables differ."
    )


def _lines(receipt: Receipt) -> list[tuple[str, str]]:
    lines = [
        ("event", f"{receipt.event} ({receipt.name})"),
        ("history", receipt.history_id),
        ("epoch, version", f"{receipt.epoch:,}, {receipt.version:,}"),
        ("batches", f"{receipt.batches:,}"),
        ("seats", _counts(receipt.seats)),
        ("places in areas", _counts(receipt.places)),
        ("live holds", f"{receipt.holds:,}"),
        ("live bookings", f"{receipt.bookings:,}"),
    ]
    lines += [("revenue", text_of(money)) for money in receipt.revenue]
    lines += [("of that by orders", text_of(money)) for money in receipt.ordered]
    if receipt.replayed_to != receipt.version:
        lines.append(("replayed to version", f"{receipt.replayed_to:,}"))
    return [
        *lines,
        ("digest of the state", receipt.digest.state),
        ("digest of the chain", receipt.digest.chain),
        ("digest of the origin", receipt.digest.origin),
        ("audited at", receipt.audited_at.isoformat(timespec="seconds")),
    ]


def _counts(counts: Counts) -> str:
    return ", ".join(
        f"{value:,} {name}" for name, value in msgspec.structs.asdict(counts).items()
    )
