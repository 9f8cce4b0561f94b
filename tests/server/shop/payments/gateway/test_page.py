"""The page where a buyer pays: what stands there, and that it stays text."""

import html
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from msgspec.structs import replace

from server.shop.payments.gateway import page
from tests.server.shop.payments.gateway.test_machine import ASK, DOUBT, after, begun


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (10_000, "JPY", "¥10,000"),
        (18_600, "KWD", "KWD\N{NO-BREAK SPACE}18.600"),
        (4_500, "EUR", "€45.00"),
        (5, "USD", "$0.05"),
        (123_456_789, "GBP", "£1,234,567.89"),
        (1_000, "CNY", "CNY\N{NO-BREAK SPACE}10.00"),
    ],
)
def test_amounts_are_written_with_the_digits_of_their_currency(amount, currency, text):
    assert page.amount_text(amount, currency) == text


CHOICES = {"gateway-pay", "gateway-decline", "gateway-late", "gateway-back"}
BACK = {"gateway-back"}
PAID = {"gateway-back", "gateway-dispute"}
DECIDE = {"gateway-back", "gateway-dispute-won", "gateway-dispute-lost"}


@pytest.mark.parametrize(
    ("steps", "behaviour", "state", "words", "choices"),
    [
        ((), {}, "open", "Choose how this payment ends", CHOICES),
        (("pay",), {}, "captured", "Your payment arrived", PAID),
        (("pay",), {"delay_ms": 9}, "processing", "Do not pay again", BACK),
        (("decline",), {}, "failed", "Go back to your order to try again", BACK),
        (("late",), {}, "late", "You need not wait here", BACK),
        (("expire",), {}, "expired", "No money was taken", BACK),
        (("late", "expire"), {}, "expired", "You need not wait here", BACK),
    ],
)
def test_each_state_says_what_happened_and_what_to_do(
    steps, behaviour, state, words, choices
):
    text = page.render(after(*steps, **behaviour))
    assert f'data-testid="gateway" data-state="{state}"' in text
    assert words in text
    assert choices_of(text) == choices
    # What failed leads back to where another try is; what was paid to the order.
    ended_unpaid = state in ("open", "failed") or steps == ("expire",)
    where = ASK.cancel if ended_unpaid else ASK.success
    assert f'href="{where}"' in text
    assert "$" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL)


def choices_of(text):
    found = set(re.findall(r'data-testid="(gateway-[\w-]+)"', text))
    return found - {"gateway-amount", "gateway-status"}


@pytest.mark.parametrize(
    ("states", "words", "choices"),
    [
        (["open"], "It has asked the shop", DECIDE),
        (["won"], "Your payment arrived", PAID),
        (["lost"], "The shop has lost the dispute", BACK),
        (["lost", "open"], "It has asked the shop", DECIDE),
    ],
)
def test_what_a_bank_disputes_is_decided_on_the_page(states, words, choices):
    doubts = [replace(DOUBT, state=state) for state in states]
    text = page.render(after("pay"), doubts)
    assert words in text
    assert choices_of(text) == choices


EVIL = "<script>alert(1)</script>\"'&$amount ${x}\u202e"


def test_what_a_shop_wrote_stays_text():
    ask = replace(ASK, description=EVIL, reference=EVIL, cancel=f"http://a/{EVIL}")
    text = page.render(replace(begun(), ask=ask))
    assert "<script" not in text
    assert text.count(html.escape(EVIL)) == 3
    # No attribute ends early.
    assert re.search(r'href="[^"<>]*"', text)


def test_the_page_loads_nothing_and_leads_only_to_its_shop():
    policy = page.policy_of(begun())
    text = page.render(begun())
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://shop.example;" in policy
    assert not re.search(r"<script|src=|url\(|@import", text)
