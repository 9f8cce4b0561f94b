"""`onsale verify`: did a server sign this receipt? It needs none, and no database."""

import sys
from pathlib import Path
from typing import Final

from server.base import limits
from server.base.log import plain
from server.events.audit.receipts import (
    Forged,
    NotAReceipt,
    PublicKey,
    check,
    read_public_key,
    read_receipt,
)

OK: Final = 0
UNPROVEN: Final = 1
UNUSABLE: Final = 2


def verify(receipt: str, *, key: str | None = None) -> int:
    """Check the signature of a receipt that `audit --json` or the server gave.

    Ends with 0 when the signature holds and the receipt says that all agrees, 1 when it
    does not hold or the audit found differences, 2 when there is no receipt to check.

    Args:
        receipt: the file with the receipt's JSON; - reads it from standard input.
        key: the server's public key, from /v1/receipt-key: a file, or its digits.
    """
    try:
        expected = None if key is None else _read_key(key)
        found, signer = check(read_receipt(_read(receipt)), expected)
    except Forged as error:
        sys.stdout.write(f"Signature BAD: {plain(error)}\n")
        return UNPROVEN
    except NotAReceipt as error:
        sys.stderr.write(f"onsale: {plain(error)}\n")
        return UNUSABLE
    except OSError as error:
        sys.stderr.write(f"onsale: cannot read {error.filename}: {error.strerror}.\n")
        return UNUSABLE
    whose = "the given key" if expected else "the key that it names (no --key given)"
    agree = "agreed" if found.ok else "DIFFERED"
    sys.stdout.write(
        f"Signature ok: signed under {whose}, {plain(signer.key_id)}; at version"
        f" {found.version:,} of event {plain(found.event)}, journal and tables"
        f" {agree}.\n"
    )
    return OK if found.ok else UNPROVEN


def _read_key(key: str) -> PublicKey:
    path = Path(key)
    return read_public_key(_read(key).decode() if path.is_file() else key)


def _read(name: str) -> bytes:
    """Read a file whole, if it is no longer than a receipt can be."""
    if name == "-":
        text = sys.stdin.buffer.read(limits.RECEIPT_BYTES_MAX + 1)
    else:
        with Path(name).open("rb") as file:
            text = file.read(limits.RECEIPT_BYTES_MAX + 1)
    if len(text) > limits.RECEIPT_BYTES_MAX:
        raise NotAReceipt(f"{name} is too long for a receipt.")
    return text
