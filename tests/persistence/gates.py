"""What the tests of check-in share: tickets, scans, and what is kept of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from persistence.shop.checkin.facts import Result
from persistence.shop.checkin.lists import CheckinLists
from persistence.shop.checkin.merge import Merge, Uploaded
from persistence.shop.checkin.scans import KeptScan, NewScan, Scans
from server.shop.checkin.rules import fold, judge
from tests.database import query
from tests.persistence.journals import Store

START = datetime(2026, 11, 1, 18, tzinfo=UTC)
"""In the past: gates ask us only later."""

PUT_TICKETS = """
INSERT INTO ticket (ticket_id, booking_id, event_id, number, state, holder, kind, label,
    category, key_id, changed, revoked_at)
SELECT 'tic_' || n, 'bkg_1', $1, $2 || n, $4, '{"user": "usr_1"}', 'seat', 'A-' || n,
    $5, '00000000', 1, CASE WHEN $4 = 'revoked' THEN now() END
FROM unnest($3::text[]) AS n
"""


def number_of(ticket: str) -> str:
    """Return the number of the ticket `tic_N`, of which N is one letter."""
    return f"AAAAAAAAA{ticket[-1]}"


class Gate:
    """An event with a gate, over a database of its own."""

    def __init__(self, store: Store, event: str = "evt") -> None:
        self.store, self.event = store, event
        self.scans = Scans(store.pool, judge)
        self.merge = Merge(store.pool, fold)
        self.lists = CheckinLists(store.pool)
        self._count = 0

    async def open(self, reentry: bool = False, **rules: Any) -> None:
        """Make the event and its main list."""
        await self.store.make_event(self.event)
        await self.lists.make_main([self.event])
        await self.edit(reentry=reentry, **rules)

    async def edit(self, **rules: Any) -> None:
        """Give the main list other rules."""
        usual = {"reentry": False, "opens_at": None, "categories": None}
        await self.lists.edit(self.event, "main", usual | rules, None)

    async def put(self, *names: str, state: str = "valid", category: str = "1") -> None:
        """Make tickets, each with a name of one letter."""
        await query(
            self.store.url, PUT_TICKETS, self.event, "AAAAAAAAA", names, state, category
        )

    async def scan(
        self,
        ticket: str,
        direction: Any = "in",
        nonce: str | None = None,
        generation: int = 1,
        known: Result | None = None,
        **fields: Any,
    ) -> KeptScan:
        """Scan a ticket by its letter, each time with another nonce."""
        self._count += 1
        asked = {
            "event_id": self.event,
            "nonce": nonce or f"scan-{self._count}",
            "list_id": "main",
            "request_hash": f"{ticket} {direction}".encode(),
            "direction": direction,
            "gate": "north",
            "who": "key_1",
            **fields,
        }
        code = None if known else (number_of(ticket), generation)
        return await self.scans.scan(NewScan(**asked), code, known)

    def seen(
        self,
        ticket: str,
        second: float,
        direction: Any = "in",
        nonce: str | None = None,
        **fields: Any,
    ) -> Uploaded:
        """Return what a gate saw without us, so many seconds after the start."""
        at = START + timedelta(seconds=second)
        return Uploaded(
            **{
                "event_id": self.event,
                "nonce": nonce or f"{ticket}-{second}-{direction}",
                "list_id": "main",
                "request_hash": f"{ticket} {direction}".encode(),
                "direction": direction,
                "gate": f"gate {second}",
                "who": "key_1",
                "at": at,
                "device_at": at,
                "clock_offset_ms": 0,
                "saw": "ok",
                "number": number_of(ticket),
                "generation": 1,
                **fields,
            }
        )

    async def forget(self) -> None:
        """Begin the day anew."""
        await self.store.query("DELETE FROM checkin_state")
        await self.store.query("DELETE FROM checkin")

    async def standing(self, ticket: str, name: str = "main") -> Any:
        """Return where the holder of a ticket is, and since which scan."""
        rows = await self.store.query(
            "SELECT state, nonce FROM checkin_state"
            " WHERE ticket_id = $1 AND list_id = $2",
            f"tic_{ticket}",
            name,
        )
        return rows[0] if rows else None

    async def outcomes(self) -> dict[str, Any]:
        """Return what each scan came to, and beside which entry, by nonce."""
        rows = await self.store.query("SELECT nonce, outcome, other_nonce FROM checkin")
        return {nonce: (outcome, other) for nonce, outcome, other in rows}
