"""Receipts that prove themselves: signed by the server, checked by anybody, offline.

What is signed is `PREFIX` and the receipt without its `signature`, as JSON with sorted
keys, without spaces, in UTF-8: the same bytes for the same receipt, however it is laid
out. The key's name and public half are part of what is signed. Numbers and keys are
written in hexadecimal, of which there is one spelling.
"""

import hmac
import json
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from msgspec import Struct

from persistence.journal.audit import Receipt
from server.people.auth.tokens.signing_keys import SECRET_BYTES_MIN

PREFIX: Final = b"onsale receipt 1\n"
"""Keeps a signature under a receipt from being one under anything else."""

PURPOSE: Final = b"onsale receipts 1"
KEY_ID_LENGTH: Final = 16


class NotAReceipt(Exception):
    """What was given is no receipt, or no key; the message is one sentence."""


class Forged(Exception):
    """A receipt that proves nothing; the message is one sentence."""


class PublicKey(Struct, frozen=True):
    """What everybody may know of the key that signs receipts."""

    key_id: str
    algorithm: Literal["Ed25519"]
    public_key: str


class Verdict(Struct, frozen=True):
    """What a receipt says in short."""

    event: str
    version: int
    ok: bool


class ReceiptKey:
    """The key that signs receipts."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = public_key_of(self._private.public_key().public_bytes_raw())

    @classmethod
    def from_secret(cls, secret: str) -> "ReceiptKey":
        """Return the key for a configured secret, derived under a name of its own.

        Raises ValueError where the secret is short enough to be guessed.
        """
        if len(secret.encode()) < SECRET_BYTES_MIN:
            raise ValueError(f"The secret key needs at least {SECRET_BYTES_MIN} bytes.")
        return cls(hmac.digest(secret.encode(), PURPOSE, "sha256"))

    def sign(self, receipt: Receipt) -> dict[str, Any]:
        """Return the receipt as JSON has it, with its signature."""
        document: dict[str, Any] = msgspec.to_builtins(receipt)
        document["signed_by"] = msgspec.to_builtins(self.public)
        document["signature"] = self._private.sign(signed_bytes(document)).hex()
        return document

    def sign_bytes(self, text: bytes) -> bytes:
        """Return the signature over bytes.

        They begin with what nothing else that this key signs begins with.
        """
        return self._private.sign(text)


def unsigned(receipt: Receipt) -> dict[str, Any]:
    """Return the receipt as JSON has it where there is no key to sign it."""
    document: dict[str, Any] = msgspec.to_builtins(receipt)
    return {**document, "signed_by": None, "signature": None}


def public_key_of(raw: bytes) -> PublicKey:
    """Return a key under the name that follows from it."""
    return PublicKey(sha256(raw).hexdigest()[:KEY_ID_LENGTH], "Ed25519", raw.hex())


def is_signed(key: PublicKey, text: bytes, signature: bytes) -> bool:
    """Return whether a signature over bytes is by this key."""
    try:
        raw = bytes.fromhex(key.public_key)
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def signed_bytes(document: dict[str, Any]) -> bytes:
    """Return what the signature is over."""
    rest = {name: value for name, value in document.items() if name != "signature"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return PREFIX + text.encode()


def read_receipt(text: bytes) -> dict[str, Any]:
    """Return the JSON of a receipt. Raises `NotAReceipt`."""
    try:
        document = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise NotAReceipt("This is not the JSON of a receipt.") from error
    if not isinstance(document, dict) or "signature" not in document:
        raise NotAReceipt("This is JSON, but not a receipt.")
    return document


def read_public_key(text: str) -> PublicKey:
    """Return a key from its hexadecimal digits, or from what the server answered.

    Raises `NotAReceipt`.
    """
    digits = text.strip()
    try:
        if digits.startswith("{"):
            digits = msgspec.json.decode(digits, type=PublicKey).public_key
        raw = bytes.fromhex(digits)
        Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise NotAReceipt(
            "The key is neither 64 hexadecimal digits nor the answer of"
            " /v1/receipt-key."
        ) from error
    return public_key_of(raw)


def check(
    document: dict[str, Any], expected: PublicKey | None
) -> tuple[Verdict, PublicKey]:
    """Return what a signed receipt says, and the key that signed it.

    Without an expected key the one that it names is believed, which proves only that it
    is unchanged since. Raises `Forged`, and `NotAReceipt` for what no server signs.
    """
    if document["signature"] is None:
        raise Forged("The receipt was not signed.")
    try:
        key = msgspec.convert(document.get("signed_by"), PublicKey)
        raw, signature = bytes.fromhex(key.public_key), document["signature"]
        if key != public_key_of(raw) or bytes.fromhex(signature).hex() != signature:
            raise Forged("The signature or its key was changed.")
        if expected is not None and key != expected:
            raise Forged(
                f"The receipt was signed under the key {key.key_id} and not under the"
                f" one given, {expected.key_id}."
            )
        Ed25519PublicKey.from_public_bytes(raw).verify(
            bytes.fromhex(signature), signed_bytes(document)
        )
    except InvalidSignature as error:
        raise Forged("The receipt was changed after it had been signed.") from error
    except (ValueError, TypeError) as error:
        raise Forged("The signature or its key was changed.") from error
    try:
        return msgspec.convert(document, Verdict), key
    except msgspec.ValidationError as error:
        raise NotAReceipt("This is signed, but not a receipt.") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: people might read the one, and we the other."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands twice")
    return document


RECEIPT_KEY: Final = web.AppKey("receipt key", PublicKey)
RECEIPT_SIGNER: Final = web.AppKey("what signs as receipts are", ReceiptKey)
