"""The organiser's side of the demo, over REST."""

import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from inventory.venue.arena import arena
from inventory.venue.map import VenueMap
from persistence.journal.audit import Receipt
from server.events.audit.receipts import Forged, NotAReceipt, PublicKey, check

TIMEOUT_S = 180
CALL_ATTEMPTS = 3
PRICES = {
    "premium": 12_500,
    "standard": 7_900,
    "economy": 4_500,
    "standing": 5_900,
}
OTHER_PRICE = 5_000
REDUCED = 60
"""So many parts of a hundred a reduced ticket costs."""

CODE = "WELCOME10"
CODE_PPM = 100_000
CURRENCY = "EUR"
EVENING_SEATS = 1_200
SEATS_PER_BOOKING = 10
PLACES_IN_A_TURN = 4
"""So many one may have at most where there is a line."""


class AdminClientError(Exception):
    """The server refused what the organiser asked; the message says what."""


class RestClient:
    """Somebody who asks over REST, by a token if they have one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.token: str | None = None

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what a request is answered with. Raises `AdminClientError`."""
        headers = {"Content-Type": "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else msgspec.json.encode(body)
        for attempt in range(CALL_ATTEMPTS):
            request = urllib.request.Request(
                self._url + path, data=data, headers=headers, method=method
            )
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                    result: dict[str, Any] = msgspec.json.decode(answer.read())
                    return result
            except urllib.error.HTTPError as error:
                problem = _read_problem(error)
                last = attempt == CALL_ATTEMPTS - 1
                if last or method != "GET" or not problem.get("transient"):
                    detail = problem.get("detail") or error.reason
                    raise AdminClientError(f"{method} {path}: {detail}") from error
                time.sleep(0.5 * 2**attempt)
            except OSError as error:
                raise AdminClientError(f"{method} {path}: {error}") from error
        raise AssertionError("the last attempt returns or raises")


class AdminClient(RestClient):
    """An administrator who sets up a sale and asks for its audit."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._login: dict[str, Any] = {}
        self._log_in_again_at = 0.0

    def is_ready(self) -> bool:
        """Return whether the server takes requests."""
        try:
            with urllib.request.urlopen(f"{self._url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def log_in(self, email: str, password: str) -> None:
        """Become the administrator."""
        self._login = {"email": email, "password": password}
        self.token = None
        answer = super().call("POST", "/v1/auth/login", self._login)
        self.token = answer["access_token"]
        self._log_in_again_at = time.monotonic() + answer["expires_in"] / 2

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what a request is answered with, signed in. As `RestClient.call`."""
        # A sale may take longer than a token lasts.
        if self.token is not None and time.monotonic() >= self._log_in_again_at:
            self.log_in(**self._login)
        return super().call(method, path, body)

    def open_sale(self, seats: int, hold_ttl_s: int) -> str:
        """Put a night in an arena on sale, and return the event's id."""
        return self._open(
            "The night that sold out",
            arena(seats),
            {"hold_ttl_s": hold_ttl_s, "waitlist": False},
        )

    def open_line(
        self, seats: int, hold_ttl_s: int, opens_at: datetime, terms: dict[str, Any]
    ) -> str:
        """Put a free night on sale with a line in front of it, which gathers already.

        Returns the event's id.
        """
        event = self._open(
            "The night that everybody wants",
            arena(seats),
            {
                "hold_ttl_s": hold_ttl_s,
                "on_sale_at": opens_at.isoformat(),
                "max_per_user": PLACES_IN_A_TURN,
                "max_per_booking": PLACES_IN_A_TURN,
                "payment": "none",
                "line": terms,
            },
        )
        self.call("POST", f"/v1/events/{event}/line/open", {})
        return event

    def open_evening(self) -> tuple[str, str]:
        """Put an evening on sale that a person has the time to buy for.

        There are reduced tickets, and `CODE` takes something off.
        Returns the event's id, and a key for the device at its door.
        """
        organisation = self.call("POST", "/v1/organisations", {"name": "Demo"})["id"]
        reduced = {
            category: {"amount": price * REDUCED // 100, "currency": CURRENCY}
            for category, price in PRICES.items()
        }
        event = self._open(
            "An evening for you",
            arena(EVENING_SEATS),
            {
                "organisation": organisation,
                "types": {"reduced": {"name": "Reduced", "prices": reduced}},
            },
        )
        promotions = f"/v1/events/{event}/promotions"
        welcome = {"name": "Welcome", "percent_ppm": CODE_PPM}
        promotion = self.call("POST", promotions, welcome)["id"]
        self.call("POST", f"{promotions}/{promotion}/codes", {"code": CODE})
        path = f"/v1/organisations/{organisation}/api-keys"
        made = self.call("POST", path, {"name": "Door", "scopes": ["checkin"]})
        return event, str(made["key"])

    def _open(self, name: str, venue_map: VenueMap, settings: dict[str, Any]) -> str:
        places = len(venue_map.seats) + sum(a.capacity for a in venue_map.areas)
        hall = f"Demo arena, {len(venue_map.seats):,} seats"
        body = {"name": hall, "map": msgspec.to_builtins(venue_map)}
        if "organisation" in settings:
            body["organisation"] = settings["organisation"]
        venue = self.call("POST", "/v1/venues", body)
        prices = {
            category.key: {
                "amount": PRICES.get(category.key, OTHER_PRICE),
                "currency": CURRENCY,
            }
            for category in venue_map.categories
        }
        event = self.call(
            "POST",
            "/v1/events",
            {
                "name": name,
                "venue": venue["id"],
                "starts_at": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
                # A few buyers have to be able to empty the house between them.
                "max_per_user": places,
                "max_per_booking": SEATS_PER_BOOKING,
                "prices": prices,
                "payment": "required",
                **settings,
            },
        )
        self.call("POST", f"/v1/events/{event['id']}/publish", {})
        return str(event["id"])

    def audit(self, event: str) -> Receipt:
        """Return the receipt: the journal replayed and compared with the tables.

        Raises `AdminClientError` where the server's key did not sign it.
        """
        key = msgspec.convert(self.call("GET", "/v1/receipt-key"), PublicKey)
        document = self.call("GET", f"/v1/events/{event}/audit")
        try:
            check(document, key)
        except (Forged, NotAReceipt) as error:
            raise AdminClientError(f"The audit's receipt: {error}") from error
        return msgspec.convert(document, Receipt)

    def books(self, event: str) -> tuple[int, list[str]]:
        """Return what the event took less what went back, and what does not add up."""
        money = self.call("GET", f"/v1/events/{event}/money")
        kept = sum(one["captured"] - one["returned"] for one in money["currencies"])
        return kept, [f"The books: {found}" for found in money["differences"]]


def _read_problem(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        return msgspec.json.decode(error.read(), type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
