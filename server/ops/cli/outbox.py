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
from jinja2 import UndefinedError

from persistence.data_directory import DataDirectoryError
from persistence.embedded import EmbeddedPostgresError
from persistence.errors import Unavailable
from persistence.events.catalog import Catalog
from persistence.journal.audit import NotAuditable
from persistence.mail import Outbox, TakenMail
from persistence.postgres.pool import Pool, Row
from server.base.log import plain, plain_json
from server.base.settings import ConfigError, read_config
from server.ops.cli.audit import UNUSABLE, database_of
from server.people.notices.composer import NoticeComposer

Words = tuple[str, str]


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
            url = database_of(config, stack)
            rows, told = asyncio.run(_read(url, max(1, limit), config.public_url))
    except (
        ConfigError,
        DataDirectoryError,
        EmbeddedPostgresError,
        NotAuditable,
        Unavailable,
    ) as error:
        sys.stderr.write(f"onsale: {error}\n")
        return UNUSABLE
    for row, words in zip(rows, told, strict=True):
        encoded = msgspec.json.encode(dict(row)).decode()
        line = plain_json(encoded) if json else _told(row, words)
        sys.stdout.write(line + "\n")
    return 0


async def _read(
    url: str, limit: int, public_url: str | None
) -> tuple[list[Row], list[Words]]:
    """Return mails, and of each what it says."""
    pool = await Pool.open(url, size=1, name="onsale outbox")
    try:
        rows = await Outbox(pool).newest(limit)
        composer = NoticeComposer(Catalog(pool), public_url)
        return rows, [await _words(composer, row) for row in rows]
    finally:
        await pool.close()


async def _words(composer: NoticeComposer, row: Row) -> Words:
    """Return subject and text of a mail; of one that is gone its kind at most."""
    if row["kind"] is None or row["sent_at"] is not None:
        return row["subject"] or row["kind"], row["body"]
    mail = TakenMail(
        mail_id=row["mail_id"],
        recipient=row["recipient"],
        subject=row["subject"],
        body=row["body"],
        created_at=row["created_at"],
        attempts=row["attempts"],
        kind=row["kind"],
        locale=row["locale"],
        event_id=row["event_id"],
        data=msgspec.json.decode(row["data"]),
    )
    try:
        composed = await composer.compose(mail)
    except UndefinedError as error:
        # What is not sent for that reason is looked for here.
        return row["kind"], f"It cannot be written: {error.message}\n{row['data']}"
    return composed.subject, composed.text


def _told(row: Row, words: Words) -> str:
    subject, body = words
    fate = "waits"
    if row["sent_at"] is not None:
        fate = f"sent {row['sent_at']:%Y-%m-%d %H:%M:%S %Z}"
    elif row["failed_at"] is not None:
        fate = f"refused: {row['reason']}"
    elif row["reason"] is not None:
        fate = f"waits after {row['attempts']} attempts: {row['reason']}"
    head = f"{row['created_at']:%Y-%m-%d %H:%M:%S %Z}  {row['recipient']}"
    lines = [head, f"  {subject} ({fate})"]
    lines += [f"  | {line}".rstrip() for line in body.splitlines()]
    # Whoever wrote a mail, or refused it, writes nothing to this terminal, and no line
    # that looks like another mail's.
    shown = [plain(line).replace("\n", "\\n") for line in lines]
    return "\n".join([*shown, ""])
