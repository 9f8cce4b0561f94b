"""Five events on sale in one venue, for tests of what is told and asked of them."""

import msgspec

from persistence.events.rows import Details
from tests.persistence.journals import NOW_MS, SETTINGS, VENUE, make_batch

NAMES = ["Zauberflöte", "b-Moll", "Aida", "b-Moll", "Čapek"]


async def make_events(store, **details):
    await store.catalog.create_venue(
        "ven", "Großes Haus", VENUE, created_by="usr", request_hash=b""
    )
    for number, name in enumerate(NAMES):
        settings = msgspec.structs.replace(
            SETTINGS, name=name, sale_state="on_sale", starts_at_ms=NOW_MS + number
        )
        await store.catalog.create_event(
            f"evt{number}",
            settings,
            venue="ven",
            created_by="usr",
            request_hash=b"",
            details=Details(**details),
        )


async def book(store, event, count):
    ownership = await store.journal.acquire(event)
    sold = [(seat, "b") for seat in range(min(count, 4))]
    areas = {0: count - len(sold)} if count > len(sold) else {}
    await store.commit(ownership, make_batch(ownership, sold=sold, area_sold=areas))
