"""A pool whose connection is killed by the server before some statement."""

from typing import Any, cast

from persistence.postgres.pool import Pool
from tests.persistence.journals import Store


class Doomed:
    """A pool whose connection dies before a statement of that number."""

    def __init__(self, pool: Pool, store: Store, statement: int) -> None:
        self.pool, self.store, self.left = pool, store, statement

    @classmethod
    def pool_of(cls, pool: Pool, store: Store, statement: int) -> Pool:
        return cast("Pool", cls(pool, store, statement))

    def transaction(self) -> Any:
        return DoomedTransaction(self)


class DoomedTransaction:
    def __init__(self, doomed: Doomed) -> None:
        self.doomed = doomed
        self.transaction = doomed.pool.transaction()

    async def __aenter__(self) -> Any:
        self.connection = await self.transaction.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await self.transaction.__aexit__(*error)

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any) -> Any:
            doomed = self.doomed
            if doomed.left == 0:
                pid = self.connection.get_server_pid()
                await doomed.store.query("SELECT pg_terminate_backend($1)", pid)
            doomed.left -= 1
            return await getattr(self.connection, name)(*args)

        return call
