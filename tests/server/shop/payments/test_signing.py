"""Signatures of webhooks, held to another implementation of the same rules."""

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from server.shop.payments.provider import Forged, Stale
from server.shop.payments.signing import TOLERANCE_S, secrets_of, verify
from server.transport.outbox.signatures import headers_of, sign
from tests.server.shop.payments.gateway_process import OTHER_SECRET, SECRET

(KEY,) = secrets_of(SECRET)
(OTHER_KEY,) = secrets_of(OTHER_SECRET)
BODY = '{"type":"payment.captured","name":"Ćevapi"}'.encode()
NOW = 1_900_000_000


def test_another_implementation_signs_the_same():
    at = datetime.fromtimestamp(NOW, UTC)
    theirs = Webhook(KEY).sign("msg_1", at, BODY.decode())
    assert sign(KEY, "msg_1", NOW, BODY) == theirs


def test_what_was_signed_just_now_is_believed():
    headers = headers_of([KEY], "msg_1", NOW, BODY)
    assert verify([KEY], headers, BODY, NOW) == "msg_1"
    shouted = {name.upper(): value for name, value in headers.items()}
    assert verify([KEY], shouted, BODY, NOW) == "msg_1"


@pytest.mark.parametrize("moved_s", [-TOLERANCE_S, TOLERANCE_S])
def test_clocks_may_differ_a_little(moved_s):
    headers = headers_of([KEY], "msg_1", NOW, BODY)
    assert verify([KEY], headers, BODY, NOW + moved_s) == "msg_1"
    further = moved_s + (1 if moved_s > 0 else -1)
    with pytest.raises(Stale):
        verify([KEY], headers, BODY, NOW + further)


def test_two_secrets_are_believed_while_one_is_changed():
    old = headers_of([OTHER_KEY], "msg_1", NOW, BODY)
    assert verify([KEY, OTHER_KEY], old, BODY, NOW) == "msg_1"
    with pytest.raises(Forged):
        verify([KEY], old, BODY, NOW)
    # A sender that changes its secret signs with both.
    both = headers_of([OTHER_KEY, KEY], "msg_1", NOW, BODY)
    for known in (KEY, OTHER_KEY):
        assert verify([known], both, BODY, NOW) == "msg_1"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-id": "msg.1"},
        {"webhook-id": "m" * 129},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "١٩"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": sign(OTHER_KEY, "msg_1", NOW, BODY)},
        {"webhook-signature": sign(KEY, "msg_1", NOW, BODY).replace("v1,", "v2,")},
        {"webhook-signature": " ".join([sign(KEY, "msg_1", NOW, BODY)] * 9)},
    ],
)
def test_what_was_changed_is_forged(change):
    headers = headers_of([KEY], "msg_1", NOW, BODY) | change
    with pytest.raises(Forged):
        verify([KEY], headers, BODY, NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_what_is_missing_is_forged(name):
    headers = headers_of([KEY], "msg_1", NOW, BODY)
    del headers[name]
    with pytest.raises(Forged):
        verify([KEY], headers, BODY, NOW)


def test_each_byte_of_the_body_is_signed():
    headers = headers_of([KEY], "msg_1", NOW, BODY)
    for at in range(len(BODY)):
        changed = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
        with pytest.raises(Forged):
            verify([KEY], headers, changed, NOW)


def test_what_is_forged_and_old_is_forged():
    headers = headers_of([OTHER_KEY], "msg_1", 1, BODY)
    with pytest.raises(Forged):
        verify([KEY], headers, BODY, NOW)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Expected one secret"),
        (f"{SECRET} {OTHER_SECRET} {SECRET}", "Expected one secret"),
        ("short", "at least 32 bytes"),
        (f"{SECRET} short", "at least 32 bytes"),
        ("a" * 40, "can be guessed"),
        ("changemechangemechangemechangeme", "can be guessed"),
    ],
)
def test_a_secret_that_can_be_guessed_is_none(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        secrets_of(text)


def test_a_setting_has_one_secret_or_two():
    assert secrets_of(SECRET) == (SECRET.encode(),)
    assert secrets_of(f"{SECRET} {OTHER_SECRET}") == (KEY, OTHER_KEY)
