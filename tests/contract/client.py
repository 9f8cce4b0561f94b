"""A plain client of the REST interface, for tests only."""

import asyncio
import dataclasses
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import aiohttp

from tests.contract.charts import PRICES, named_chart
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD, Server
from tests.contract.socket_client import Socket

Json = dict[str, Any]
WAIT_S = 60.0

STATUS_OF_CODE = {
    "unauthenticated": 401,
    "payment_required": 402,
    "forbidden": 403,
    "hold_expired": 410,
    "sale_closed": 410,
    "key_reused": 422,
    "bad_field": 422,
    "bad_frame": 400,
    "unknown_op": 400,
    "overloaded": 429,
    "unavailable": 503,
    "outcome_unknown": 503,
}
TRANSIENT = {
    "sale_not_open",
    "sale_paused",
    "held_too_often",
    "overloaded",
    "unavailable",
    "outcome_unknown",
}


def status_of(code: str) -> int:
    """Give the HTTP status of a refusal's code, as the contract lists them."""
    if code.endswith("_not_found"):
        return 404
    return STATUS_OF_CODE.get(code, 409)


def after(**delta: float) -> str:
    """Give an RFC 3339 time that far from now."""
    moment = datetime.now(UTC) + timedelta(**delta)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclasses.dataclass(frozen=True)
class Person:
    id: str
    role: str
    token: str


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes
    body: Any

    @property
    def is_problem(self) -> bool:
        kind = self.headers.get("content-type", "")
        return kind.split(";")[0] == "application/problem+json"


def check_problem(answer: Answer, status: int | None = None) -> Json:
    """Check the problem form of an error and return its body."""
    assert answer.is_problem, (answer.status, answer.headers, answer.raw[:300])
    body = answer.body
    assert isinstance(body, dict)
    assert isinstance(body["type"], str)
    assert isinstance(body["title"], str)
    assert body["status"] == answer.status
    assert isinstance(body["detail"], str)
    assert isinstance(body["code"], str)
    assert body["code"]
    assert isinstance(body["transient"], bool)
    assert isinstance(body["request_id"], str)
    assert body["request_id"]
    for secret in (b"Traceback", b"SELECT ", b"INSERT ", b"asyncpg"):
        assert secret not in answer.raw
    if status is not None:
        assert answer.status == status, body
    return body


class Api:
    """Everything a test asks of one server over REST."""

    def __init__(self, server: Server, headers: dict[str, str] | None = None) -> None:
        self.server = server
        self.url = server.url
        self.headers = headers or {}
        self._session: aiohttp.ClientSession | None = None
        self._admin: Person | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=60),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use it in an async with")
        return self._session

    # Any request

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        who: Person | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        """Send one request and read the whole answer."""
        sent = self.headers | (headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {who.token}"
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        # The client warns of large bodies that are not given as a file.
        sent_body = None if data is None else io.BytesIO(data)
        async with self.session.request(
            method, self.url + path, data=sent_body, headers=sent, params=params
        ) as response:
            raw = await response.read()
        lower = {name.lower(): value for name, value in response.headers.items()}
        kind = lower.get("content-type", "")
        # Of many lines, each is JSON of its own.
        parsed = json.loads(raw) if "json" in kind and "ndjson" not in kind else None
        return Answer(response.status, lower, raw, parsed)

    async def get(self, path: str, who: Person | None = None, **headers: str) -> Answer:
        """Read, with headers such as if_none_match=etag."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.request("GET", path, who=who, headers=named)

    async def good(
        self, method: str, path: str, body: object = None, **options: Any
    ) -> Any:
        """Send a request that must succeed and return its body."""
        answer = await self.request(method, path, body, **options)
        assert 200 <= answer.status < 300, (method, path, answer.status, answer.raw)
        return answer.body

    # People

    async def guest(self) -> Person:
        body = await self.good("POST", "/v1/auth/guest")
        return Person(body["user"]["id"], body["user"]["role"], body["access_token"])

    async def guests(self, count: int) -> list[Person]:
        return list(await asyncio.gather(*(self.guest() for _ in range(count))))

    async def login(
        self, email: str = ADMIN_EMAIL, password: str = ADMIN_PASSWORD
    ) -> Answer:
        body = {"email": email, "password": password}
        return await self.request("POST", "/v1/auth/login", body)

    @property
    def admin(self) -> Person:
        """Return the administrator, signed in anew where the token is about to end."""
        token = self.server.admin_token
        if self._admin is None or self._admin.token != token:
            self._admin = Person("", "admin", token)
        return self._admin

    # Venues and events

    async def venue(self, name: str) -> str:
        """Give the venue of a named chart, made once for each server."""
        if name not in self.server.venues:
            body = {"name": name, "chart": named_chart(name)}
            made = await self.good("POST", "/v1/venues", body, who=self.admin)
            self.server.venues[name] = made["id"]
        return self.server.venues[name]

    async def draft(self, chart: str | None = "small", **fields: Any) -> Json:
        """Make an event on a named chart, or a capacity event with chart=None."""
        body: Json = {"name": "An evening", "starts_at": after(days=30)}
        if chart is not None:
            body |= {"venue": await self.venue(chart), "prices": PRICES}
        made = await self.good("POST", "/v1/events", body | fields, who=self.admin)
        assert isinstance(made, dict)
        return made

    async def sale(self, chart: str | None = "small", **fields: Any) -> str:
        """Make an event, put it on sale and give its id."""
        made = await self.draft(chart, **fields)
        event = str(made["id"])
        await self.change(event, "publish")
        return event

    async def change(self, event: str, verb: str) -> Json:
        """Publish, pause, resume or close."""
        path = f"/v1/events/{event}/{verb}"
        body = await self.good("POST", path, who=self.admin)
        assert isinstance(body, dict)
        return body

    async def event(self, event: str) -> Json:
        body = await self.good("GET", f"/v1/events/{event}", who=self.admin)
        assert isinstance(body, dict)
        return body

    async def map(self, event: str) -> Json:
        body = await self.good("GET", f"/v1/events/{event}/map", who=self.admin)
        assert isinstance(body, dict)
        return body

    async def availability(self, event: str, version: int = 0) -> Json:
        """Read who has what, once the board has come to that version."""
        path = f"/v1/events/{event}/availability"
        async with asyncio.timeout(WAIT_S):
            while True:
                body = await self.good("GET", path, who=self.admin)
                assert isinstance(body, dict)
                if body["version"] >= version:
                    return body
                await asyncio.sleep(0.02)

    async def letters(self, event: str, version: int = 0) -> dict[str, str]:
        """Give the availability letter of each seat by its label."""
        seats = (await self.map(event))["seats"]
        letters = (await self.availability(event, version))["seats"]
        assert len(letters) == len(seats)
        return {seat["label"]: letters[seat["index"]] for seat in seats}

    # Commands

    async def command(
        self, event: str, who: Person | None, op: str, **fields: Any
    ) -> Answer:
        """Send a command over REST; idempotency_key goes to the header."""
        key = fields.pop("idempotency_key", None)
        headers = {} if key is None else {"Idempotency-Key": key}
        path = f"/v1/events/{event}/commands"
        body = {"op": op} | fields
        return await self.request("POST", path, body, who=who, headers=headers)

    async def ok(self, event: str, who: Person, op: str, **fields: Any) -> Json:
        """Send a command over REST that must be accepted."""
        answer = await self.command(event, who, op, **fields)
        assert 200 <= answer.status < 300, answer.raw
        assert answer.body["op"] == "ok"
        assert isinstance(answer.body, dict)
        return answer.body

    async def audit(self, event: str) -> Json:
        """Read the receipt and check that the audit is content."""
        body = await self.good("GET", f"/v1/events/{event}/audit", who=self.admin)
        assert isinstance(body, dict)
        assert body["ok"] is True, body
        return body

    # Websockets

    async def socket(
        self,
        who: Person | None = None,
        *,
        hello: bool = False,
        packed: bool = False,
        **more: str,
    ) -> Socket:
        """Open a websocket, authenticated by its header or by a hello."""
        headers = dict(self.headers)
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        if who is not None and not hello:
            headers["Authorization"] = f"Bearer {who.token}"
        protocol = "onsale.v1.msgpack" if packed else "onsale.v1.json"
        ws = await self.session.ws_connect(
            f"{self.url}/v1/ws",
            protocols=(protocol,),
            headers=headers,
            max_msg_size=0,
        )
        socket = Socket(ws, packed=packed)
        if who is not None and hello:
            await socket.ok("hello", token=who.token)
        return socket
