import json
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from inventory.settings import Sum
from persistence.journal.audit import Counts, Digest, Receipt
from server.events.audit.receipts import (
    Forged,
    NotAReceipt,
    ReceiptKey,
    Verdict,
    check,
    read_public_key,
    read_receipt,
    signed_bytes,
    unsigned,
)
from server.people.auth.tokens.tokens import key_from_secret

SECRET = "a secret of more than thirty-two bytes"
KEY, OTHER = ReceiptKey(b"1" * 32), ReceiptKey(b"2" * 32)
COUNTS = Counts(free=1, held=2, booked=3, blocked=0)
RECEIPT = Receipt(
    event="evt",
    name='Käthe\'s "Nacht"\t\x7f \U0001f3ad',
    ok=True,
    history_id="h",
    epoch=1,
    version=7,
    replayed_to=7,
    batches=3,
    counts=COUNTS,
    seats=COUNTS,
    places=Counts(0, 0, 0, 0),
    holds=1,
    bookings=2,
    seats_booked=3,
    revenue=[Sum(2**60, "EUR")],
    digest=Digest(state="s", chain="c", origin="o"),
    differences=[],
    audited_at=datetime(2026, 11, 21, 2, 3, 4, 567, UTC),
)
VERDICT = Verdict("evt", 7, True)


def text_of(document: object) -> bytes:
    return msgspec.json.encode(document)


def test_a_signed_receipt_proves_what_it_says_and_who_signed_it():
    document = read_receipt(text_of(KEY.sign(RECEIPT)))
    assert check(document, None) == (VERDICT, KEY.public)
    assert check(document, KEY.public) == (VERDICT, KEY.public)
    assert KEY.sign(RECEIPT) == KEY.sign(RECEIPT)


def test_what_is_signed_can_be_made_by_anybody_with_a_json_library():
    document = json.loads(text_of(KEY.sign(RECEIPT)))
    signature = bytes.fromhex(document.pop("signature"))
    raw = bytes.fromhex(document["signed_by"]["public_key"])
    assert document["signed_by"]["key_id"] == sha256(raw).hexdigest()[:16]
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    message = b"onsale receipt 1\n" + text.encode()
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    assert message == signed_bytes({**document, "signature": "whatever"})


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_another_layout_of_the_same_receipt_is_still_signed(indent, ascii_only):
    document = KEY.sign(RECEIPT)
    backwards = dict(reversed(list(document.items())))
    text = json.dumps(backwards, indent=indent, ensure_ascii=ascii_only)
    assert check(read_receipt(text.encode()), KEY.public)[0] == VERDICT


def test_whatever_byte_is_changed_is_noticed():
    text = text_of(KEY.sign(RECEIPT))
    believed = []
    for place in range(len(text)):
        for other in (text[place] ^ 1, text[place] ^ 32, ord("0"), ord(" ")):
            if other == text[place]:
                continue
            changed = text[:place] + bytes([other]) + text[place + 1 :]
            try:
                check(read_receipt(changed), None)
            except (Forged, NotAReceipt):
                continue
            believed.append(changed[max(0, place - 20) : place + 20])
    assert believed == []


def test_a_byte_that_is_cut_off_or_added_is_noticed():
    text = text_of(KEY.sign(RECEIPT))
    for place in range(len(text)):
        with pytest.raises((Forged, NotAReceipt)):
            check(read_receipt(text[:place] + text[place + 1 :]), None)
        with pytest.raises((Forged, NotAReceipt)):
            check(read_receipt(text[:place] + b"0" + text[place:]), None)


def test_a_receipt_signed_anew_under_another_key_is_noticed_by_who_knows_the_key():
    forged = OTHER.sign(RECEIPT)
    assert check(forged, None)[1] == OTHER.public
    with pytest.raises(Forged, match=f"under the key {OTHER.public.key_id} and not"):
        check(forged, KEY.public)


def test_the_name_of_the_right_key_over_the_signature_of_another_is_noticed():
    forged = OTHER.sign(RECEIPT)
    forged["signed_by"] = msgspec.to_builtins(KEY.public)
    with pytest.raises(Forged, match="changed after it had been signed"):
        check(forged, KEY.public)
    forged = OTHER.sign(RECEIPT)
    forged["signed_by"]["key_id"] = KEY.public.key_id
    with pytest.raises(Forged, match="or its key was changed"):
        check(forged, None)


def test_another_spelling_of_a_signature_is_not_taken():
    document = KEY.sign(RECEIPT)
    document["signature"] = document["signature"].upper()
    with pytest.raises(Forged, match="or its key was changed"):
        check(document, None)


def test_what_was_not_signed_proves_nothing():
    with pytest.raises(Forged, match="was not signed"):
        check(read_receipt(text_of(unsigned(RECEIPT))), None)
    for missing in (None, dict[str, str](), "Ed25519"):
        with pytest.raises(Forged, match="or its key was changed"):
            check({**KEY.sign(RECEIPT), "signed_by": missing}, None)


def test_a_signature_under_something_else_makes_no_receipt():
    document = KEY.sign(RECEIPT)
    del document["ok"]
    document["signature"] = KEY._private.sign(signed_bytes(document)).hex()
    with pytest.raises(NotAReceipt, match="signed, but not a receipt"):
        check(document, None)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"signature": 1',
        b"[" * 100_000,
        b'{"signature": null, "ok": false, "ok": true}',
        b'{"signature": null, "digest": {"state": "a", "state": "b"}}',
    ],
)
def test_what_is_no_receipt_is_refused_in_one_sentence(text):
    with pytest.raises(NotAReceipt, match=r"not .*receipt"):
        read_receipt(text)


def test_text_that_utf_8_cannot_hold_is_no_signed_text():
    document = {**KEY.sign(RECEIPT), "name": "\ud800"}
    with pytest.raises(Forged):
        check(document, None)


def test_a_key_is_read_from_its_digits_and_from_what_the_server_answered():
    digits = KEY.public.public_key
    for text in (digits, f" {digits.upper()}\n", text_of(KEY.public).decode() + "\n"):
        assert read_public_key(text) == KEY.public
    for text in ("", "no key", digits[:-2], '{"public_key": 1}', "é"):
        with pytest.raises(NotAReceipt, match="neither 64 hexadecimal digits"):
            read_public_key(text)


def test_a_secret_gives_always_the_same_key_and_never_that_of_the_tokens():
    key = ReceiptKey.from_secret(SECRET)
    assert key.public == ReceiptKey.from_secret(SECRET).public
    assert key.public != ReceiptKey.from_secret(SECRET + "!").public
    assert key.public != ReceiptKey(key_from_secret(SECRET).secret).public
    with pytest.raises(ValueError, match="at least 32 bytes"):
        ReceiptKey.from_secret("short")
