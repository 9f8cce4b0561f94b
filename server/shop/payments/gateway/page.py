"""The page where a buyer pays: what happened, and what to do next.

It needs no script and loads nothing, so it works wherever a form does. What the shop
wrote is text, and stays that.
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Final
from urllib.parse import urlsplit

from inventory.money import decimal_of
from server.shop.payments.gateway.machine import Doubt, Sitting

_FILES: Final = files("server.shop.payments.gateway")
_PAGE: Final = Template(_FILES.joinpath("page.html").read_text("utf-8"))
_STYLE: Final = _FILES.joinpath("page.css").read_text("utf-8")
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode("ascii")

SYMBOLS: Final = {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$"}
"""Those that nobody takes for another one, beside its code."""

_FACTS: Final = Template("""\
<dl>
<dt>For</dt><dd>$description</dd>
<dt>Order</dt><dd>$reference</dd>
</dl>""")
_CHOICES: Final = """\
<form method="post">
<button class="pay" name="outcome" value="pay" data-testid="gateway-pay">\
Pay $amount</button>
<button name="outcome" value="decline" data-testid="gateway-decline">\
Let the bank decline it</button>
<button name="outcome" value="late" data-testid="gateway-late">\
Pay after the time is over</button>
</form>
<p><a class="back" href="$cancel" data-testid="gateway-back">\
Back to the shop without paying</a></p>"""
_DOUBT: Final = """\
<form method="post">
<button name="outcome" value="dispute" data-testid="gateway-dispute">\
Let the bank dispute it</button>
</form>"""
_DECIDE: Final = """\
<form method="post">
<button name="outcome" value="dispute_won" data-testid="gateway-dispute-won">\
Let the shop keep the money</button>
<button name="outcome" value="dispute_lost" data-testid="gateway-dispute-lost">\
Let the bank take it back</button>
</form>"""
_BACK: Final = """\
<p><a class="back first" href="$href" data-testid="gateway-back">$label</a></p>"""

PLAIN_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For the page that has no form."""


def amount_text(amount: int, currency: str) -> str:
    """Write an amount for people: `¥10,000`, `KWD 18.600`, `€45.00`."""
    whole, point, rest = decimal_of(amount, currency).partition(".")
    sign = SYMBOLS.get(currency) or f"{currency}\N{NO-BREAK SPACE}"
    return f"{sign}{int(whole):,}{point}{rest}"


def policy_of(one: Sitting) -> str:
    """Return what the page may do: to send its form, and to be led back to the shop."""
    origins = {_origin(one.ask.success), _origin(one.ask.cancel)}
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:;"
        f" base-uri 'none'; form-action 'self' {' '.join(sorted(origins))};"
        " frame-ancestors 'none'"
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def render(one: Sitting, doubts: Sequence[Doubt] = ()) -> str:
    """Return the page of a session as it is now, with the disputes of its payment."""
    ask = one.ask
    amount = amount_text(ask.amount, ask.currency)
    heading, words, actions = _state_of(one, doubts)
    shown = {
        "amount": escape(amount),
        "cancel": escape(ask.cancel),
        "description": escape(ask.description),
        "heading": escape(heading),
        "reference": escape(ask.reference),
        "state": "late" if one.late and one.state == "open" else one.state,
        "style": _STYLE,
        "title": escape(f"{heading}: {amount}"),
        "words": escape(words),
    }
    parts = {
        "actions": Template(actions).substitute(shown),
        "facts": _FACTS.substitute(shown),
    }
    return _PAGE.substitute(shown, **parts)


def render_unknown() -> str:
    """Return the page where there is no such session."""
    return _PAGE.substitute(
        actions="",
        amount="",
        facts="",
        heading="This payment is not known",
        state="unknown",
        style=_STYLE,
        title="This payment is not known",
        words="The address may be incomplete, or the payment is long over. Go back to"
        " your order in the shop; it has a link to a new payment if one is needed.",
    )


def _state_of(one: Sitting, doubts: Sequence[Doubt]) -> tuple[str, str, str]:
    """Return heading, words and what can be done."""
    cancel = _back(one.ask.cancel, "Back to your order")
    success = _back(one.ask.success, "Back to your order")
    if one.late and one.state in ("open", "expired"):
        return (
            "Your bank has not answered yet",
            "You need not wait here. Your order says what becomes of it: if the money"
            " comes when its time is over, you get your places or the money back.",
            success,
        )
    if one.state == "open":
        return (
            "Pay for your order",
            "Choose how this payment ends. The shop hears of it at once, and takes you"
            " back to your order.",
            _CHOICES,
        )
    if one.state == "processing":
        return (
            "Your payment is under way",
            "It was accepted and is being confirmed. Do not pay again: your order shows"
            " when it is done.",
            success,
        )
    if one.state == "captured":
        heading, words, doubting = _doubted(doubts)
        return heading, words, success + doubting
    if one.state == "failed":
        return (
            "The payment was declined",
            f"{one.reason} No money was taken. Go back to your order to try again;"
            " your places are kept until its time to pay is over.",
            cancel,
        )
    return (
        "The time to pay is over",
        "No money was taken. Your order says how it stands, and what you can do now.",
        cancel,
    )


def _doubted(doubts: Sequence[Doubt]) -> tuple[str, str, str]:
    """Return the same of a payment that arrived, and that a bank may have doubted."""
    if any(one.state == "open" for one in doubts):
        return (
            "Your bank disputes this payment",
            "It has asked the shop, and decides later. Nothing of it can be returned"
            " until then, and your tickets stay good.",
            _DECIDE,
        )
    if doubts and doubts[-1].state == "lost":
        return (
            "Your bank took the money back",
            "The shop has lost the dispute. What becomes of your tickets, it decides.",
            "",
        )
    return "Paid", "Your payment arrived. Your tickets are in your order.", _DOUBT


def _back(url: str, label: str) -> str:
    return Template(_BACK).substitute(href=escape(url), label=label)
