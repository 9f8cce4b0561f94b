"""`onsale outbox`: the mails that wait to be sent, and what became of the others.

For trying things out without a mail server, and for an operator who wants to know why
somebody got no mail. The codes of waiting mails are shown to whoever can read the
database anyway.
"""

import asyncio
import os
import sys
from contextlib import ExitStack
from typing import Annotated

import msgspec
from cyclopts import Parameter

from persistence.data_directory import DataDirectoryError
from persistence.embedded import EmbeddedPostgresError
from persistence.errors import Unavailable
from persistence.journal.audit import NotAuditable
from persistence.mail import Outbox
from persistence.postgres.pool import Pool, Row
from server.base.log import plain, plain_json
from server.base.settings import ConfigError, read_config
from server.ops.cli.audit import UNUSABLE, database_of


def outbox(
    *,
    limit: Annotated[int, Parameter(name=("--limit", "-n"))] = 20,
    json: Annotated[bool, Parameter(negative=())] = False,
    database_url: str | None = None,
    data_dir: str | None = None,
) -> int:
    """Show the newest mails: those that wait, with their text, and those that are gone.

    Args:
        limit: how many at most.
        json: print one JSON object per mail.
        database_url: a Postgres; without it that of the data directory (DATABASE_URL).
        data_dir: the directory of a server on this machine (ONSALE_DATA_DIR).
    """
    try:
        config = read_config(os.environ, database_url=database_url, data_dir=data_dir)
        with ExitStack() as stack:
            rows = asyncio.run(_read(database_of(config, stack), max(1, limit)))
    except (
        ConfigError,
        DataDirectoryError,
        EmbeddedPostgresError,
        NotAuditable,
        Unavailable,
    ) as error:
        sys.stderr.write(f"onsale: {error}\n")
        return UNUSABLE
    for row in rows:
        line = (
            plain_json(msgspec.json.encode(dict(row)).decode()) if json else _told(row)
        )
        sys.stdout.write(line + "\n")
    return 0


async def _read(url: str, limit: int) -> list[Row]:
    pool = await Pool.open(url, size=1, name="onsale outbox")
    try:
        return await Outbox(pool).newest(limit)
    finally:
        await pool.close()


def _told(row: Row) -> str:
    fate = "waits"
    if row["sent_at"] is not None:
        fate = f"sent {row['sent_at']:%Y-%m-%d %H:%M:%S %Z}"
    elif row["failed_at"] is not None:
        fate = f"refused: {row['reason']}"
    elif row["reason"] is not None:
        fate = f"waits after {row['attempts']} attempts: {row['reason']}"
    head = f"{row['created_at']:%Y-%m-%d %H:%M:%S %Z}  {row['recipient']}"
    lines = [head, f"  {row['subject'] or row['kind']} ({fate})"]
    # What has no words yet is told as what these are made of.
    body = row["body"] or ("" if row["data"] == "{}" else row["data"])
    lines += [f"  | {line}".rstrip() for line in body.splitlines()]
    # Whoever wrote a mail, or refused it, writes nothing to this terminal, and no line
    # that looks like another mail's.
    shown = [plain(line).replace("\n", "\\n") for line in lines]
    return "\n".join([*shown, ""])
