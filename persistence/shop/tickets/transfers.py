"""Tickets on their way to somebody else: offered, accepted, withdrawn, expired.

Concurrency: all that alters one takes the register of its event first, as who alters
tickets does. So offering, taking, giving back and issuing again come one after the
other; who scans a ticket waits for its row.
"""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from persistence.errors import Revisions
from persistence.people.addresses import address_key
from persistence.people.notices.notices import Notice, notice_id, raise_notices
from persistence.postgres.pool import Pool, Row
from persistence.shop.tickets.register import change_state, open_register

TransferState = Literal["offered", "accepted", "withdrawn", "expired"]

LASTS_D: Final = 7
"""For so many days an offer is good."""

ENDED_MAX: Final = 500

_KIND: Final = "ticket_transferred"

_FIELDS: Final = """
transfer_id, ticket_id, event_id, from_user, email, code, state, to_user, created_at,
expires_at
"""
# Of the offers of one ticket, their ends included: who saw one that was withdrawn has
# not seen the next.
_REVISION: Final = """
(SELECT count(*) + count(o.ended_at) FROM ticket_transfer o WHERE o.ticket_id = {})
"""
_LATEST = f"""
SELECT {_FIELDS}, {_REVISION.format("$1")} AS revision
FROM ticket_transfer WHERE ticket_id = $1
ORDER BY created_at DESC, transfer_id DESC LIMIT 1
"""
_OFFER = f"""
INSERT INTO ticket_transfer
    (transfer_id, ticket_id, event_id, from_user, email, code, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + {LASTS_D} * interval '1 day')
RETURNING {_FIELDS}, {_REVISION.format("$2")} + 1 AS revision
"""
_ACCEPT = """
UPDATE ticket_transfer SET state = 'accepted', to_user = $3, ended_at = now()
WHERE ticket_id = $1 AND state = 'offered' AND code = $2 AND expires_at > now()
RETURNING from_user, event_id
"""
_PASS_ON = """
WITH before AS (
    SELECT ticket_id, event_id, number, generation FROM ticket
    WHERE ticket_id = $1 AND state = 'offered'
), listed AS (
    INSERT INTO ticket_revoked (event_id, number, generation, revision)
    SELECT event_id, number, generation, $2 FROM before
), noted AS (
    UPDATE ticket_register SET revoked = $2
    WHERE event_id IN (SELECT event_id FROM before)
)
UPDATE ticket t SET generation = t.generation + 1, issued_at = now(), key_id = $3,
    changed = $2, state = 'valid', holder = jsonb_build_object('user', $4::text)
FROM before WHERE t.ticket_id = before.ticket_id
RETURNING t.number, t.generation
"""
_WITHDRAW = f"""
UPDATE ticket_transfer SET state = 'withdrawn', ended_at = now()
WHERE ticket_id = $1 AND state = 'offered' AND from_user = $2
    AND ($3::bigint[] IS NULL OR {_REVISION.format("$1")} = ANY ($3))
RETURNING transfer_id
"""
_OVER = """
SELECT DISTINCT event_id FROM ticket_transfer
WHERE state = 'offered' AND expires_at <= now() LIMIT $1
"""
_END = """
UPDATE ticket_transfer SET state = 'expired', ended_at = now()
WHERE event_id = $1 AND state = 'offered' AND expires_at <= now()
RETURNING ticket_id
"""
_IN = "SELECT count(*) FROM checkin_state WHERE ticket_id = $1 AND state = 'in'"
# The one who sold it, and how they are reached; of a booking without an order nobody.
_SELLER = """
SELECT o.user_id, o.buyer ->> 'email' AS email, o.buyer ->> 'locale' AS locale
FROM ticket t JOIN orders o USING (order_id) WHERE t.ticket_id = $1
"""
_OFFERED_OF = """
SELECT transfer_id, email FROM ticket_transfer
WHERE (from_user = $1 OR to_user = $1) AND email <> ''
"""
_FORGET_TOLD = (
    "DELETE FROM mail WHERE mail_id = ANY "
    "(SELECT 'mail_' || id FROM unnest($1::text[]) AS w(id))",
    "DELETE FROM notice WHERE notice_id = ANY ($1)",
)
_FORGET = "UPDATE ticket_transfer SET email = '' WHERE from_user = $1 OR to_user = $1"


class NotOffered(Exception):
    """The ticket is not valid, or not on offer any more."""


class IsIn(Exception):
    """Somebody is in with the ticket."""


class Transfer(Struct, frozen=True, kw_only=True):
    """A ticket's way to somebody else."""

    transfer: str
    ticket: str
    event: str
    from_user: str
    email: str
    code: bytes
    state: TransferState
    to_user: str | None
    created_at: datetime
    expires_at: datetime
    revision: int
    """Counts what became of the offers of its ticket."""

    def __repr__(self) -> str:
        """Leave out to whom, and the code."""
        return f"Transfer({self.transfer!r}, {self.state!r})"


class NewTransfer(Struct, frozen=True, kw_only=True):
    """An offer that is about to be made."""

    transfer: str
    ticket: str
    event: str
    from_user: str
    email: str
    code: bytes
    number: str
    """The ticket's, as it is read out."""
    secret: str
    """What `code` is of: only the mail has it."""

    def __repr__(self) -> str:
        """Leave out to whom, and the code."""
        return f"NewTransfer({self.transfer!r})"


class Transfers:
    """Reads offers and ends those that are over. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def latest(self, ticket: str) -> Transfer | None:
        """Return the last offer of a ticket, however it ended."""
        row = await self._pool.fetch_one(_LATEST, ticket)
        return None if row is None else _transfer_of(row)

    async def end_over(self) -> int:
        """End the offers whose time is over; return how many."""
        ended = 0
        for row in await self._pool.fetch(_OVER, ENDED_MAX):
            event = row["event_id"]
            async with self._pool.transaction() as connection:
                revision = await open_register(connection, event)
                rows = await connection.fetch(_END, event)
                tickets = [one["ticket_id"] for one in rows]
                await change_state(connection, revision, tickets, "offered", "valid")
            ended += len(tickets)
        return ended


async def offer(connection: Any, new: NewTransfer) -> Transfer:
    """Offer a valid ticket, and tell who is to have it, with the code.

    Raises `NotOffered` where it is not valid, and `IsIn`.
    """
    revision = await open_register(connection, new.event)
    if not await change_state(connection, revision, [new.ticket], "valid", "offered"):
        raise NotOffered
    # Asked once its row is changed, which whoever scans it waits for, too.
    if await connection.fetchval(_IN, new.ticket):
        raise IsIn
    row = await connection.fetchrow(
        _OFFER,
        new.transfer,
        new.ticket,
        new.event,
        new.from_user,
        new.email,
        new.code,
    )
    seller = await connection.fetchrow(_SELLER, new.ticket)
    offered = Notice(
        kind=_KIND,
        # Not the ticket: what was withdrawn may be offered to the same address again.
        subject=new.transfer,
        email=new.email,
        # Nobody knows theirs; most speak as who gives it.
        locale=None if seller is None else seller["locale"],
        event_id=new.event,
        data={"ticket": new.ticket, "number": new.number, "side": "offered"},
        mail={"secret": new.secret},
    )
    await raise_notices(connection, [offered])
    return _transfer_of(row)


async def accept(
    connection: Any, revision: int, ticket: str, code: bytes, user: str, key: str
) -> bool:
    """Give an offered ticket to somebody, and tell both; its code of before is revoked.

    `revision` is that of the register, `key` signs the ticket from now on. False where
    the offer's code is another, or it is over. Raises `NotOffered` where the ticket is
    being given back, and `IsIn`.
    """
    transfer = await connection.fetchrow(_ACCEPT, ticket, code, user)
    if transfer is None:
        return False
    passed = await connection.fetchrow(_PASS_ON, ticket, revision, key, user)
    if passed is None:
        raise NotOffered
    if await connection.fetchval(_IN, ticket):
        raise IsIn
    await _tell(connection, ticket, user, transfer, passed)
    return True


async def _tell(
    connection: Any, ticket: str, user: str, transfer: Row, passed: Row
) -> None:
    """Tell both whose a ticket is now; who offered it to themselves once."""
    seller = await connection.fetchrow(_SELLER, ticket)
    locale = None if seller is None else seller["locale"]
    # Of one person the first counts: who offered it to themselves has it.
    sides = (user, "received"), (transfer["from_user"], "given")
    await raise_notices(
        connection,
        [
            Notice(
                kind=_KIND,
                subject=f"{ticket}:{passed['generation']}",
                user_id=one,
                # An order's address is its buyer's, whoever has a ticket of it.
                email=seller["email"] if seller and seller["user_id"] == one else None,
                locale=locale,
                event_id=transfer["event_id"],
                data={"ticket": ticket, "number": passed["number"], "side": side},
            )
            for one, side in sides
        ],
    )


async def withdraw(
    connection: Any, event: str, ticket: str, user: str, seen: Revisions = None
) -> bool:
    """Take an offer back, whose code is good no more.

    False where there is none, or it is of a revision that was not `seen`.
    """
    revision = await open_register(connection, event)
    if await connection.fetchval(_WITHDRAW, ticket, user, seen) is None:
        return False
    await change_state(connection, revision, [ticket], "offered", "valid")
    return True


# asyncpg ships no types, hence Any for its connection.
async def forget_transfers(connection: Any, user: str) -> None:
    """Leave no address of those to whom somebody passed tickets on, nor their own."""
    rows = await connection.fetch(_OFFERED_OF, user)
    told = [
        notice_id(_KIND, row["transfer_id"], address_key(row["email"])) for row in rows
    ]
    for statement in _FORGET_TOLD:
        await connection.execute(statement, told)
    await connection.execute(_FORGET, user)


def _transfer_of(row: Row) -> Transfer:
    return Transfer(
        transfer=row["transfer_id"],
        ticket=row["ticket_id"],
        event=row["event_id"],
        from_user=row["from_user"],
        email=row["email"],
        code=bytes(row["code"]),
        state=row["state"],
        to_user=row["to_user"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revision=row["revision"],
    )
