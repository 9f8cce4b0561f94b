"""Receipts of what was sold, and the key that signs them."""

import asyncio
from typing import Final

from persistence.journal.receipt_key import ensure_seed
from server.events.audit.examples import EXAMPLES
from server.events.audit.receipts import RECEIPT_KEY, RECEIPT_SIGNER, ReceiptKey
from server.events.audit.rest import AUDITS, ROUTES
from server.transport.capability.capability import Capability, Startup

AUDITS_AT_ONCE_MAX: Final = 1


async def _open(startup: Startup) -> None:
    secret = startup.settings.secret_key
    key = (
        ReceiptKey(await ensure_seed(startup.pool))
        if secret is None
        else ReceiptKey.from_secret(secret)
    )
    startup[RECEIPT_KEY], startup[RECEIPT_SIGNER] = key.public, key
    startup[AUDITS] = asyncio.Semaphore(AUDITS_AT_ONCE_MAX)


AUDIT: Final = Capability(
    name="audit",
    open=_open,
    routes=ROUTES,
    examples=EXAMPLES,
)
