"""Examples of audits, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples

RECEIPT_KEY: Final[dict[str, Any]] = {
    "key_id": "21fe31dfa154a261",
    "algorithm": "Ed25519",
    "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
}


EXAMPLES: Final = Examples(
    answers={
        "show_receipt_key": RECEIPT_KEY,
    },
)
