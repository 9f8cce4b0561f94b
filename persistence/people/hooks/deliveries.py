"""What webhooks are told, one row for each message, and how that went.

Purpose: whoever sends takes a whole hook for a while, with its messages in the order in
which they were raised, so that no two processes send to one receiver at once. One that
died meanwhile leaves the hook to be taken again: a message may come twice, with one id,
and is never lost.

Invariants: a message that ended is sent by a replay only; what an attempt came to is
noted with the attempt, in one statement.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from persistence.people.hooks.hooks import HookForm
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool

DeliveryState = Literal["due", "sent", "dead"]

LEASE_S: Final = 60.0
HOOKS_MAX: Final = 8
MESSAGES_MAX: Final = 20
"""Of so many hooks so many messages are taken at a time."""

LIFE_S: Final = 4 * 86_400
"""What was not taken by then is dead: of a replay, counted from that."""

KEPT_S: Final = 30 * 86_400
REPLAYED_MAX: Final = 10_000

_TAKE: Final = """
WITH free AS (
    SELECT h.hook_id FROM hook h
    WHERE h.off IS NULL AND h.hook_id <> ALL ($4::text[])
        AND (h.taken_until IS NULL OR h.taken_until <= now())
        AND (h.rests_until IS NULL OR h.rests_until <= now())
        AND EXISTS (
            SELECT FROM hook_delivery d
            WHERE d.hook_id = h.hook_id AND d.state = 'due' AND d.due_at <= now())
    ORDER BY h.taken_until NULLS FIRST, h.hook_id LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    UPDATE hook h SET taken_until = now() + $1 * interval '1 s'
    FROM free WHERE h.hook_id = free.hook_id
    RETURNING h.hook_id, h.url, h.form, h.secret, h.failures, h.taken_until,
        CASE WHEN h.old_until > now() THEN h.old_secret END AS old_secret
)
SELECT t.*, d.delivery_id, d.body, d.attempts
FROM taken t CROSS JOIN LATERAL (
    SELECT delivery_id, body, attempts, number FROM hook_delivery
    WHERE hook_id = t.hook_id AND state = 'due' AND due_at <= now()
    ORDER BY number LIMIT $3
) d
ORDER BY t.hook_id, d.number
"""
# Of whoever stood still for longer than a lease it is another's by now.
_GIVE_BACK: Final = """
UPDATE hook SET taken_until = NULL WHERE hook_id = $1 AND taken_until = $2
"""
# A message that somebody else sent meanwhile has ended, and is left as it is.
_NOTE: Final = """
WITH message AS (
    UPDATE hook_delivery d SET attempts = attempts + 1, status = $3, error = $4,
        state = $6,
        due_at = CASE WHEN $6 = 'due' THEN now() + $7 * interval '1 s' ELSE due_at END,
        ended_at = CASE WHEN $6 <> 'due' THEN clock_timestamp() END
    WHERE delivery_id = $2 AND state = 'due'
), attempt AS (
    INSERT INTO hook_attempt (delivery_id, status, error, took_ms)
    SELECT delivery_id, $3, $4, $5 FROM hook_delivery WHERE delivery_id = $2
)
UPDATE hook SET
    ok_at = CASE WHEN $6 = 'sent' THEN clock_timestamp() ELSE ok_at END,
    failed_at = CASE WHEN $6 = 'sent' THEN failed_at ELSE clock_timestamp() END,
    error = CASE WHEN $6 = 'sent' THEN NULL ELSE $4 END,
    failures = CASE WHEN $6 = 'sent' THEN 0 ELSE failures + 1 END,
    rests_until = CASE WHEN $8::float8 > 0 THEN now() + $8 * interval '1 s' END,
    off = CASE WHEN $9 THEN coalesce(off, 'gone') ELSE off END
WHERE hook_id = $1
"""
_SHOWN: Final = """
d.delivery_id, d.hook_id, d.organisation_id, d.type, d.subject, d.body, d.state,
d.created_at, d.due_at, d.attempts, d.ended_at, d.status, d.error
"""
_FIND: Final = f"""
SELECT {_SHOWN} FROM hook_delivery d WHERE organisation_id = $1 AND delivery_id = $2
"""
_LIST: Final = f"""
SELECT {_SHOWN} FROM hook_delivery d WHERE organisation_id = $1
    AND ($3::timestamptz IS NULL OR (created_at, delivery_id) < ($3, $4))
    AND ($5::text IS NULL OR hook_id = $5) AND ($6::text IS NULL OR state = $6)
ORDER BY created_at DESC, delivery_id DESC LIMIT $2
"""
_ATTEMPTS: Final = """
SELECT at, status, error, took_ms FROM hook_attempt WHERE delivery_id = $1
ORDER BY at
"""
_AGAIN: Final = """
state = 'due', ended_at = NULL, attempts = 0, due_at = now(),
dies_at = now() + $1 * interval '1 s', replay = $2
"""
_REPLAY: Final = f"""
UPDATE hook_delivery d SET {_AGAIN}
WHERE organisation_id = $3 AND delivery_id = $4 AND replay IS DISTINCT FROM $2
RETURNING {_SHOWN}
"""
# One that waits already comes by itself.
_REPLAY_SINCE: Final = f"""
WITH before AS (
    SELECT count(*) AS replayed FROM hook_delivery
    WHERE organisation_id = $3 AND hook_id = $4 AND replay = $2
), again AS (
    UPDATE hook_delivery d SET {_AGAIN}
    WHERE (SELECT replayed FROM before) = 0 AND replay IS DISTINCT FROM $2
        AND delivery_id IN (
            SELECT delivery_id FROM hook_delivery
            WHERE organisation_id = $3 AND hook_id = $4 AND state <> 'due'
                AND created_at >= $5 AND created_at < $6
            ORDER BY number LIMIT $7
        )
    RETURNING delivery_id
)
SELECT replayed + (SELECT count(*) FROM again) AS replayed FROM before
"""
_TEST: Final = f"""
INSERT INTO hook_delivery AS d
    (delivery_id, hook_id, organisation_id, type, subject, body)
SELECT $3, hook_id, organisation_id, 'hook.test', $3, $4
FROM hook WHERE organisation_id = $1 AND hook_id = $2
ON CONFLICT (delivery_id) DO UPDATE SET subject = excluded.subject
RETURNING {_SHOWN}
"""
_END_OLD: Final = """
UPDATE hook_delivery SET state = 'dead', ended_at = clock_timestamp(),
    error = coalesce(error, 'it was not sent in time')
WHERE state = 'due' AND dies_at <= now()
"""
_FORGET: Final = """
DELETE FROM hook_delivery
WHERE state <> 'due' AND ended_at < now() - $1 * interval '1 s'
"""
_WAITING: Final = """
SELECT count(*) AS waiting,
    coalesce(extract(epoch FROM now() - min(d.due_at)), 0)::float8 AS oldest_s
FROM hook_delivery d JOIN hook h USING (hook_id)
WHERE d.state = 'due' AND d.due_at <= now() AND h.off IS NULL
    AND (h.rests_until IS NULL OR h.rests_until <= now())
"""


class Message(Struct, frozen=True):
    """One message to send now."""

    delivery_id: str
    body: str
    attempts: int
    """How often it was tried before."""


class TakenHook(Struct, frozen=True):
    """A hook that is this process's for a while, and its messages in their order."""

    hook_id: str
    url: str
    form: HookForm
    secret: bytes
    old_secret: bytes | None
    failures: int
    taken_until: datetime
    messages: list[Message]

    def __repr__(self) -> str:
        """Leave out where it leads, and what signs."""
        return f"TakenHook({self.hook_id!r})"


class Outcome(Struct, frozen=True):
    """What an attempt came to."""

    state: DeliveryState
    status: int | None
    """What the receiver answered; None where it did not."""
    error: str | None
    took_ms: int
    wait_s: float = 0.0
    """When it is tried again, where that is due."""
    rest_s: float = 0.0
    """How long the whole hook is left alone."""
    gone: bool = False
    """Whether the receiver wants to hear nothing more, ever."""


class Delivery(Struct, frozen=True):
    """A message as the organisation sees it."""

    delivery_id: str
    hook_id: str
    organisation_id: str
    type: str
    subject: str
    body: str
    state: DeliveryState
    created_at: datetime
    due_at: datetime
    attempts: int
    ended_at: datetime | None
    status: int | None
    error: str | None


class Attempt(Struct, frozen=True):
    """One time that a message was sent."""

    at: datetime
    status: int | None
    error: str | None
    took_ms: int


class Waiting(Struct, frozen=True):
    """How many messages could be sent now, and for how long the oldest could."""

    waiting: int
    oldest_s: float


class Deliveries:
    """Gives out messages, and tells what became of them. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(
        self, without: Collection[str] = (), most: int = HOOKS_MAX
    ) -> list[TakenHook]:
        """Return hooks with messages that are due; nobody else gets them for a while.

        Of those `without` none is taken, however long ago that was.
        """
        rows = await self._pool.fetch(_TAKE, LEASE_S, most, MESSAGES_MAX, list(without))
        taken: dict[str, TakenHook] = {}
        for row in rows:
            hook = row["hook_id"]
            if hook not in taken:
                taken[hook] = TakenHook(
                    hook,
                    row["url"],
                    row["form"],
                    row["secret"],
                    row["old_secret"],
                    row["failures"],
                    row["taken_until"],
                    [],
                )
            message = Message(row["delivery_id"], row["body"], row["attempts"])
            taken[hook].messages.append(message)
        return list(taken.values())

    async def note(self, hook: str, delivery: str, outcome: Outcome) -> None:
        """Note what an attempt to send a message came to."""
        await self._pool.fetch(
            _NOTE,
            hook,
            delivery,
            outcome.status,
            outcome.error,
            outcome.took_ms,
            outcome.state,
            outcome.wait_s,
            outcome.rest_s,
            outcome.gone,
        )

    async def give_back(self, hook: TakenHook) -> None:
        """Let the next one have a hook, where it is not another's already."""
        await self._pool.fetch(_GIVE_BACK, hook.hook_id, hook.taken_until)

    async def find(self, organisation: str, delivery: str) -> Delivery | None:
        """Return a message of an organisation."""
        row = await self._pool.fetch_one(_FIND, organisation, delivery)
        return None if row is None else Delivery(**row)

    async def attempts_of(self, delivery: str) -> list[Attempt]:
        """Return each time that a message was sent, the first one first."""
        rows = await self._pool.fetch(_ATTEMPTS, delivery)
        return [Attempt(**row) for row in rows]

    async def list_of(
        self,
        organisation: str,
        *,
        hook: str | None = None,
        state: DeliveryState | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[Delivery], str | None]:
        """Return a page of an organisation's messages, the newest first."""
        rows = await self._pool.fetch(
            _LIST, organisation, fetched(limit), *decode_cursor(cursor), hook, state
        )
        found = [Delivery(**row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.delivery_id))

    async def count_of(
        self, organisation: str, hook: str | None, state: DeliveryState | None
    ) -> int:
        """Return how many `list_of` has on all its pages."""
        values = (organisation, None, None, None, hook, state)
        return await self._pool.count(_LIST, *values)

    async def replay(
        self, organisation: str, delivery: str, replay: str
    ) -> Delivery | None:
        """Send a message again, with its id and as it was; None where there is none.

        `replay` names the request: the same one again changes nothing.
        """
        row = await self._pool.fetch_one(
            _REPLAY, LIFE_S, replay, organisation, delivery
        )
        if row is None:
            return await self.find(organisation, delivery)
        return Delivery(**row)

    async def replay_between(
        self,
        organisation: str,
        hook: str,
        since: datetime,
        until: datetime,
        replay: str,
    ) -> int:
        """Send what a hook was told in a time again; return how many messages.

        At most `REPLAYED_MAX`, the oldest. `replay` names the request: the same one
        again sends nothing, and is told how many it were.
        """
        row = await self._pool.fetch_one(
            _REPLAY_SINCE,
            LIFE_S,
            replay,
            organisation,
            hook,
            since,
            until,
            REPLAYED_MAX,
        )
        return 0 if row is None else int(row["replayed"])

    async def put_test(
        self, organisation: str, hook: str, delivery: str, body: str
    ) -> Delivery | None:
        """Add a message to try a hook with, once for each id; None without a hook."""
        row = await self._pool.fetch_one(_TEST, organisation, hook, delivery, body)
        return None if row is None else Delivery(**row)

    async def waiting(self) -> Waiting:
        """Return what could be sent now."""
        row = await self._pool.fetch_one(_WAITING)
        return Waiting(0, 0.0) if row is None else Waiting(**row)

    async def forget(self) -> None:
        """End what is too old to be sent, and delete what was kept for long enough."""
        await self._pool.fetch(_END_OLD)
        await self._pool.fetch(_FORGET, KEPT_S)
