"""One visitor of the evening who does what a shop is for, and holds it to its word.

Two places, one of them reduced, with a code; paid at the gateway; one is given back.
What is paid and what comes back is compared with what was told before.
"""

import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, Final

from inventory.money import decimal_of
from server.ops.demo.admin_client import CODE, CURRENCY, AdminClientError, RestClient

CATEGORY: Final = "standard"
LOOKS_MAX: Final = 400
LOOK_S: Final = 0.05
TIMEOUT_S: Final = 30


class Visitor(RestClient):
    """A guest who buys, and gives a part back. Raises `AdminClientError`."""

    def visit(self, event: str) -> tuple[str, list[str]]:
        """Buy and give back; return it in one line, and what was not as told."""
        self.token = self.call("POST", "/v1/auth/guest")["access_token"]
        held = self.call(
            "POST",
            f"/v1/events/{event}/commands",
            {"op": "hold_best", "quantity": 2, "category": CATEGORY},
        )
        reduced = held["seats"][0]
        wanted = {
            "event": event,
            "hold": held["hold"],
            "types": {reduced: "reduced"},
            "codes": [CODE],
        }
        quote = self.call("POST", "/v1/orders/quote", wanted)
        told = {"total": quote["total"]}
        order = self.call("POST", "/v1/orders", {**wanted, **told})
        self._pay(order["payment"]["url"])
        path = f"/v1/orders/{order['order']}"
        paid = self._wait(path, lambda found: len(found["tickets"]) == 2)
        line = next(one["line"] for one in paid["lines"] if one["label"] == reduced)
        back = {"lines": [line]}
        preview = self.call("POST", f"{path}/refunds/preview", back)
        self.call("POST", f"{path}/cancel", back)
        refunds = self._wait(f"{path}/refunds", _is_settled)
        returned = sum(one["amount"]["amount"] for one in refunds["items"])
        problems = compare(quote, paid, preview, returned)
        words = (
            f"Meanwhile somebody bought two places for the evening, one reduced, with"
            f" {CODE}, for {_text(paid['total']['amount'])}, and gave the reduced one"
            f" back: {_text(returned)} returned."
        )
        return words, problems

    def _pay(self, url: str) -> None:
        """Choose at the gateway's page, as its form does."""
        form = urllib.parse.urlencode({"outcome": "pay"}).encode()
        opener = urllib.request.build_opener(_Stays)
        try:
            opener.open(url, form, TIMEOUT_S).close()
        except urllib.error.HTTPError as answer:
            # It leads back to a page for people.
            if answer.code != 303:
                raise AdminClientError(f"The gateway answered {answer.code}.") from None
        except OSError as error:
            raise AdminClientError(f"The gateway: {error}") from error

    def _wait(self, path: str, is_so: Callable[[dict[str, Any]], bool]) -> Any:
        """Return what is read there once it is so."""
        for _ in range(LOOKS_MAX):
            found = self.call("GET", path)
            if is_so(found):
                return found
            time.sleep(LOOK_S)
        raise AdminClientError(f"{path} does not come to what it has to.")


def compare(
    quote: dict[str, Any], paid: dict[str, Any], preview: dict[str, Any], returned: int
) -> list[str]:
    """Return where what was told before differs from what was paid, or came back."""
    problems = []
    if quote["total"] != paid["total"]:
        problems.append(f"The quote was {quote['total']}, the order {paid['total']}.")
    if quote["discount"]["amount"] <= 0:
        problems.append(f"{CODE} took nothing off.")
    if preview["total"]["amount"] != returned:
        problems.append(f"{preview['total']} were to return, and {returned} did.")
    return problems


def _is_settled(refunds: dict[str, Any]) -> bool:
    items = refunds["items"]
    return bool(items) and all(one["status"] == "settled" for one in items)


def _text(amount: int) -> str:
    return f"{decimal_of(amount, CURRENCY)} {CURRENCY}"


class _Stays(urllib.request.HTTPRedirectHandler):
    """Goes nowhere that an answer leads to."""

    def redirect_request(self, *_: object) -> None:
        return None
