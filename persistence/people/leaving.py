"""What ends where somebody leaves an organisation, or all of them.

A membership, requests and invitations, and keys: these belong to the organisation, but
who was shown a secret knows it still. Whoever rotates a key is the one who was shown
it, so one that is rotated before stays good.
"""

from typing import Any

_ALL_OF_USER = """
SELECT o.organisation_id, o.name, EXISTS (
    SELECT FROM organisation_member n
    WHERE n.organisation_id = o.organisation_id AND n.role = 'owner'
        AND n.user_id <> $1
) AS others, m.role
FROM organisation o JOIN organisation_member m USING (organisation_id)
WHERE m.user_id = $1
ORDER BY o.organisation_id
"""
_LOCK_MANY = """
SELECT organisation_id FROM organisation
WHERE organisation_id IN (
    SELECT organisation_id FROM organisation_member WHERE user_id = $1)
ORDER BY organisation_id FOR NO KEY UPDATE
"""
_FORGET_USER = (
    "DELETE FROM organisation_member WHERE user_id = $1",
    """
    UPDATE join_request SET state = 'withdrawn', answered_at = now(), message = ''
    WHERE user_id = $1 AND state = 'pending'
    """,
    "UPDATE join_request SET message = '' WHERE user_id = $1",
    """
    UPDATE organisation_invitation SET email = '', email_key = NULL,
        state = CASE state WHEN 'pending' THEN 'withdrawn' ELSE state END,
        answered_at = coalesce(answered_at, now())
    WHERE answered_by = $1 OR email_key = (
        SELECT email_key FROM account WHERE user_id = $1)
    """,
)
_END_KEYS = (
    """
    UPDATE api_key SET revoked_at = now(), old_hash = NULL, old_until = NULL
    WHERE coalesce(holder, created_by) = $1 AND revoked_at IS NULL
        AND ($2::text IS NULL OR organisation_id = $2)
    """,
    """
    UPDATE api_key SET old_hash = NULL, old_until = NULL
    WHERE coalesce(old_holder, created_by) = $1 AND old_hash IS NOT NULL
        AND ($2::text IS NULL OR organisation_id = $2)
    """,
)


class LastOwner(Exception):
    """Without this member nobody would own the organisation; names organisations."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


# asyncpg ships no types, hence Any for its connection.
async def leave_all(connection: Any, user: str) -> list[str]:
    """End all that ties an account to organisations, before it is deleted.

    The keys that it was shown end, too, those of organisations that it left before.
    Returns the organisations that it was a member of. Raises `LastOwner`.
    """
    await connection.fetch(_LOCK_MANY, user)
    # Read anew: while we waited for a lock, another owner may have left.
    rows = await connection.fetch(_ALL_OF_USER, user)
    alone = [
        row["name"] for row in rows if row["role"] == "owner" and not row["others"]
    ]
    if alone:
        raise LastOwner(alone)
    for statement in _FORGET_USER:
        await connection.execute(statement, user)
    await end_keys(connection, user)
    return [row["organisation_id"] for row in rows]


async def end_keys(connection: Any, user: str, organisation: str | None = None) -> None:
    """End the secrets that a user was shown, of one organisation or of all."""
    for statement in _END_KEYS:
        await connection.execute(statement, user, organisation)
