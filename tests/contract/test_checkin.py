"""A door from booking to the way in: managers, devices, uploads, what is watched."""

import asyncio
import dataclasses
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.shop.tickets.token import Claims, event_mark, verify
from tests.contract.client import WAIT_S, Answer, Api, Json, after, check_problem
from tests.contract.process import Server
from tests.contract.teams import Team, api_key, by_machine, sale_of, team

SCANS, UPLOADS = "/v1/checkin/scans", "/v1/checkin/uploads"


async def make_team(server: Server) -> Team:
    async with Api(server) as api:
        return await team(api)


@pytest.fixture(scope="module")
def one(server: Server) -> Team:
    return asyncio.run(make_team(server))


@dataclasses.dataclass
class Door:
    """An event of a team, with tickets that somebody booked, and a device."""

    api: Api
    team: Team
    event: str
    tickets: list[Json]
    key: str
    count: int = 0

    @property
    def path(self) -> str:
        return f"/v1/events/{self.event}/checkin"

    def body(self, ticket: int = 0, **fields: Any) -> Json:
        self.count += 1
        code, nonce = self.tickets[ticket]["code"], f"scan-{self.count}"
        return {"event": self.event, "code": code, "nonce": nonce, **fields}

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Ask as the device."""
        return await by_machine(self.api, self.key, method, path, body)

    async def good(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.ask(method, path, body)
        assert answer.status < 300, answer
        return answer.body

    async def refused(self, method: str, path: str, body: object = None) -> str:
        return str(check_problem(await self.ask(method, path, body))["code"])

    async def scan(self, ticket: int = 0, **fields: Any) -> Any:
        return await self.good("POST", SCANS, self.body(ticket, **fields))

    def seen(self, ticket: int = 0, **fields: Any) -> Json:
        usual = {"at": after(hours=-1), "saw": "ok"}
        return self.body(ticket, **(usual | fields))

    async def upload(self, *scans: Json) -> list[Json]:
        body = await self.good("POST", UPLOADS, {"scans": scans})
        found = body["scans"]
        assert isinstance(found, list)
        return found


async def open_door(api: Api, one: Team, places: int = 3) -> Door:
    event, guest = await sale_of(api, one), await api.guest()
    held = await api.ok(event, guest, "hold", areas={"GA": places})
    await api.ok(event, guest, "book", hold=held["hold"])
    key = (await api_key(api, one, ["checkin"]))["key"]
    path = f"/v1/tickets?event={event}"
    async with asyncio.timeout(WAIT_S):
        while True:
            mine = (await api.good("GET", path, who=guest))["items"]
            if len(mine) == places:
                return Door(api, one, event, mine, key)
            await asyncio.sleep(0.02)


async def test_three_codes_of_one_booking_open_three_times(api, one):
    door = await open_door(api, one)
    assert len({ticket["code"] for ticket in door.tickets}) == 3
    for place, ticket in enumerate(door.tickets):
        body = door.body(place, gate="north")
        first = await door.good("POST", SCANS, body)
        assert first == {
            "nonce": body["nonce"],
            "event": door.event,
            "list": "main",
            "gate": "north",
            "direction": "in",
            "result": "ok",
            "ticket": ticket["ticket"],
            "label": "GA",
            "category": ticket["category"],
            "at": first["at"],
            "before": None,
        }
        assert await door.good("POST", SCANS, body) == first
        again = await door.scan(place)
        assert again["result"] == "already_in"
        assert (again["before"]["at"], again["before"]["gate"]) == (
            first["at"],
            "north",
        )


async def test_a_ticket_tells_since_when_it_is_in(api, one):
    door = await open_door(api, one, 2)
    mine = [f"/v1/tickets/{ticket['ticket']}" for ticket in door.tickets]
    body = door.body()
    scanned = await door.good("POST", SCANS, body)
    shown = [await api.good("GET", path, who=one.owner) for path in mine]
    assert [ticket["entered_at"] for ticket in shown] == [scanned["at"], None]
    undo = {"event": door.event, "reason": "Scanned by mistake"}
    await door.good("POST", f"{SCANS}/{body['nonce']}/undo", undo)
    assert (await api.good("GET", mine[0], who=one.owner))["entered_at"] is None


async def test_who_may_scan(api, one):
    door, stranger = await open_door(api, one), await team(api)
    for who in (one.owner, one.leader, api.admin):
        scanned = await api.request("POST", SCANS, door.body(), who=who)
        assert scanned.status == 200
    for who in (one.staff, stranger.owner, await api.guest()):
        answer = await api.request("POST", SCANS, door.body(), who=who)
        assert check_problem(answer, 403)["code"] == "forbidden"
    other = (await api_key(api, stranger, ["checkin"]))["key"]
    lacking = (await api_key(api, one, ["events:read"]))["key"]
    for key in (other, lacking):
        answer = await by_machine(api, key, "POST", SCANS, door.body())
        assert check_problem(answer, 403)["code"] == "forbidden"
    # A device does nothing else.
    event = f"/v1/events/{door.event}"
    assert await door.refused("POST", f"{event}/pause") == "forbidden"
    lists = f"{event}/checkin/lists"
    assert await door.refused("POST", lists, {"name": "B"}) == "forbidden"
    assert await door.refused("POST", SCANS, door.body(event="evt_none")) == (
        "event_not_found"
    )


async def test_a_device_whose_key_is_revoked_scans_no_more_and_another_goes_on(
    api, one
):
    door = await open_door(api, one)
    made = await api_key(api, one, ["checkin"])
    answer = await by_machine(api, made["key"], "POST", SCANS, door.body())
    assert answer.body["result"] == "ok"
    path = f"{one.path}/api-keys/{made['id']}"
    assert (await api.request("DELETE", path, who=one.owner)).status == 204
    seen = door.seen(1)
    answer = await by_machine(api, made["key"], "POST", UPLOADS, {"scans": [seen]})
    assert check_problem(answer, 401)["code"] == "unauthenticated"
    # What the gate decided meanwhile is uploaded with the next key, and nothing lost.
    (told,) = await door.upload(seen)
    assert told["outcome"] == "entry"


async def test_codes_that_are_none_and_codes_of_others(api, one):
    door, other = await open_door(api, one), await open_door(api, one, 1)
    stranger = await open_door(api, await team(api), 1)
    code = door.tickets[0]["code"]
    forged = code[:-4] + ("AAAA" if code[-4:] != "AAAA" else "BBBB")
    for wrong in ("x", "ß" * 500, code.lower(), code[:-1], forged, "0" * 160):
        answer = await door.scan(code=wrong)
        assert (answer["result"], answer["ticket"]) == ("bad_signature", None), wrong
    assert (await door.scan(code=other.tickets[0]["code"]))["result"] == "wrong_event"
    # Of another seller we know no key.
    assert (await door.scan(code=stranger.tickets[0]["code"]))["result"] == (
        "bad_signature"
    )
    assert (await door.scan())["result"] == "ok"


@pytest.mark.parametrize(
    ("fields", "code", "status"),
    [
        ({"nonce": ""}, "bad_field", 422),
        ({"nonce": "a b"}, "bad_field", 422),
        ({"nonce": "n" * 101}, "bad_field", 422),
        ({"code": ""}, "bad_field", 422),
        ({"code": "x" * 1_001}, "bad_field", 422),
        ({"direction": "up"}, "bad_field", 422),
        ({"gate": "g" * 101}, "bad_field", 422),
        ({"gate": "\0"}, "bad_field", 422),
        ({"gates": "north"}, "bad_field", 422),
        ({"list": "none"}, "list_not_found", 404),
    ],
)
async def test_a_scan_that_is_none_has_a_code(api, one, fields, code, status):
    event = await sale_of(api, one)
    body = {"event": event, "code": "x", "nonce": "n", **fields}
    answer = await api.request("POST", SCANS, body, who=one.leader)
    assert check_problem(answer, status)["code"] == code


async def test_a_nonce_is_of_one_scan_and_of_one_device(api, one):
    door = await open_door(api, one)
    first = door.body(0, gate="north")
    await door.good("POST", SCANS, first)
    another = door.tickets[1]["code"]
    for fields in ({"code": another}, {"gate": "south"}, {"direction": "out"}):
        body = first | fields
        assert await door.refused("POST", SCANS, body) == "nonce_reused"
    answer = await api.request("POST", SCANS, first, who=one.leader)
    assert check_problem(answer, 422)["code"] == "nonce_reused"
    # And none of these let anybody in.
    assert (await door.scan(1))["result"] == "ok"


async def test_undoing_says_who_and_why_and_lets_in_again(api, one):
    door = await open_door(api, one)
    body = door.body()
    await door.good("POST", SCANS, body)
    undo = f"{SCANS}/{body['nonce']}/undo"
    asked = {"event": door.event, "reason": "the wrong one"}
    undone = await api.good("POST", undo, asked, who=one.leader)
    assert (undone["standing"], undone["undone_by"], undone["reason"]) == (
        "never",
        one.leader.id,
        "the wrong one",
    )
    assert await door.good("POST", undo, asked) == undone
    assert (await door.scan())["result"] == "ok"
    failed = door.body()
    await door.good("POST", SCANS, failed)
    path = f"{SCANS}/{failed['nonce']}/undo"
    assert await door.refused("POST", path, asked) == "nothing_to_undo"
    path = f"{SCANS}/none/undo"
    assert await door.refused("POST", path, asked) == "scan_not_found"
    assert await door.refused("POST", undo, {"event": door.event}) == "bad_field"


async def test_an_upload_keeps_what_was_seen_and_says_of_each_what_it_is(api, one):
    door, other = await open_door(api, one), await team(api)
    strange = await sale_of(api, other)
    await door.scan(2, gate="north", nonce="online")
    later = after(hours=1)
    scans = [
        door.seen(0, gate="south"),
        door.seen(0, gate="east", at=later),
        door.seen(1, saw="revoked"),
        door.seen(code="nonsense"),
        door.seen(0, event=strange),
        door.seen(0, event="evt_none"),
        door.seen(0, list="none"),
        door.seen(0, nonce="online"),
    ]
    told = await door.upload(*scans)
    assert [one["outcome"] for one in told] == [
        "entry",
        "double_entry",
        "kept",
        "bad_signature",
        "forbidden",
        "event_not_found",
        "list_not_found",
        "nonce_reused",
    ]
    assert (told[1]["gate"], told[1]["other"]["gate"]) == ("east", "south")
    assert await door.upload(*scans) == told
    (main,) = (await door.good("GET", f"{door.path}/counts"))["lists"]
    assert (main["in"], main["double"], main["revoked"]) == (2, 1, 0)


async def test_a_clock_that_is_hours_off_is_set_right_by_its_offset(api, one):
    door = await open_door(api, one)
    first = door.seen(gate="late clock", at=after(hours=5), clock_offset_ms=-25_200_000)
    second = door.seen(gate="right", at=after(hours=-1))
    told = await door.upload(second, first)
    # Of which one is the entry the answer to the other tells.
    assert [one["outcome"] for one in told] == ["double_entry", "entry"]
    assert told[0]["other"]["gate"] == "late clock"
    assert told[1]["other"]["gate"] == "right"
    wrong: list[Json] = [
        {"at": "9999-12-31T23:59:59Z"},
        {"at": after(), "clock_offset_ms": 1 << 60},
        {"at": "9998-06-01T00:00:00Z", "clock_offset_ms": 365 * 86_400_000},
        {"at": "2026-11-30T18:00:00"},
    ]
    for fields in wrong:
        body = {"scans": [door.seen(**fields)]}
        assert await door.refused("POST", UPLOADS, body) == "bad_field"


async def test_an_upload_has_a_size(api, one):
    door = await open_door(api, one, 1)
    seen = door.seen()
    many = [seen | {"nonce": f"n{n}"} for n in range(501)]
    assert await door.refused("POST", UPLOADS, {"scans": many}) == "bad_field"
    assert await door.refused("POST", UPLOADS, {"scans": []}) == "bad_field"
    told = await door.upload(*many[:500])
    outcomes = [one["outcome"] for one in told]
    assert (outcomes.count("entry"), outcomes.count("double_entry")) == (1, 499)
    large = {"scans": [seen | {"gate": "g" * (1 << 20)}]}
    assert await door.refused("POST", UPLOADS, large) == "too_large"


async def test_lists_are_made_and_changed_by_who_manages_the_event(api, one):
    door = await open_door(api, one)
    lists = f"{door.path}/lists"
    (main,) = (await door.good("GET", lists))["items"]
    assert (main["id"], main["reentry"], main["categories"]) == ("main", False, None)
    body = {"name": "Lounge", "reentry": True, "categories": ["none"]}
    headers = {"Idempotency-Key": "lounge"}
    made = await api.good("POST", lists, body, who=one.leader, headers=headers)
    again = await api.good("POST", lists, body, who=one.leader, headers=headers)
    assert again == made
    answer = await api.request(
        "POST", lists, body | {"name": "B"}, who=one.leader, headers=headers
    )
    assert check_problem(answer, 422)["code"] == "key_reused"
    name = made["id"]
    assert (await door.scan(0, list=name))["result"] == "wrong_list"
    await api.good("PATCH", f"{lists}/{name}", {"categories": None}, who=one.leader)
    for way in ("in", "out", "in"):
        assert (await door.scan(0, list=name, direction=way))["result"] == "ok"
    # Each list is for itself.
    assert (await door.scan(0, direction="out"))["result"] == "wrong_list"
    patch = {"opens_at": after(hours=1)}
    shown = await api.get(f"{lists}/main", one.leader)
    seen = {"If-Match": shown.headers["etag"]}
    edited = await api.good(
        "PATCH", f"{lists}/main", patch, who=one.leader, headers=seen
    )
    assert edited["opens_at"] is not None
    assert (await door.scan(0))["result"] == "too_early"
    answer = await api.request(
        "PATCH", f"{lists}/main", {"opens_at": None}, who=one.leader, headers=seen
    )
    assert check_problem(answer, 412)["code"] == "precondition_failed"
    answer = await api.request("PATCH", f"{lists}/none", patch, who=one.leader)
    assert check_problem(answer, 404)["code"] == "list_not_found"


async def test_a_gate_goes_on_without_us_by_its_bundle(api, one):
    door = await open_door(api, one)
    await door.scan(0)
    bundle = await door.good("GET", f"{door.path}/bundle?limit=2")
    pages = [bundle]
    while pages[-1]["next_cursor"] is not None:
        more = f"{door.path}/bundle?limit=2&cursor={pages[-1]['next_cursor']}"
        pages.append(await door.good("GET", more))
    tickets = {one["number"]: one for page in pages for one in page["tickets"]}
    assert len(pages) == 2
    assert set(tickets) == {one["number"] for one in door.tickets}
    keys = {
        one["key"]: Ed25519PublicKey.from_public_bytes(
            urlsafe_b64decode(one["public_key"] + "=")
        )
        for one in bundle["keys"]
    }
    for place, ticket in enumerate(door.tickets):
        claims = verify(ticket["code"], keys)
        assert isinstance(claims, Claims)
        assert claims.event == bundle["event_mark"] == event_mark(door.event)
        known = tickets[claims.number]
        assert (known["generation"], known["status"], known["listed"]) == (
            claims.generation,
            "valid",
            True,
        )
        assert known["standing"] == ("in" if place == 0 else "never")
    for query in ("limit=0", "limit=5001", "limit=x", "limit=1&page=2"):
        path = f"{door.path}/bundle?{query}"
        assert await door.refused("GET", path) == "bad_field"
    assert await door.refused("GET", f"{door.path}/bundle?list=none") == (
        "list_not_found"
    )


async def test_a_ticket_that_was_issued_again_opens_with_its_new_code_only(api, one):
    door = await open_door(api, one, 1)
    path = f"/v1/tickets/{door.tickets[0]['ticket']}/reissue"
    again = await api.good("POST", path, {"generation": 1}, who=one.leader)
    (told,) = await door.upload(door.seen(0, gate="south"))
    assert told["outcome"] == "entered_revoked"
    assert (await door.scan(0))["result"] == "revoked"
    assert (await door.scan(0, code=again["code"]))["result"] == "ok"
    counts = (await door.good("GET", f"{door.path}/counts"))["lists"][0]
    assert (counts["in"], counts["revoked"], counts["double"]) == (1, 1, 0)


async def test_who_watches_gates_is_told_how_it_goes(api, one):
    door, other = await open_door(api, one), await open_door(api, one, 1)
    async with await api.socket(X_API_Key=door.key) as socket:
        await socket.ok("watch_gate", event=door.event)
        await door.scan(0)
        await socket.find(lambda frame: frame.get("op") == "gate" and frame["in"] == 1)
        await door.scan(1)
        await door.upload(door.seen(1))
        _, told = await socket.find(lambda frame: frame.get("double") == 1)
        assert told == {
            "op": "gate",
            "event": door.event,
            "list": "main",
            "in": 2,
            "out": 0,
            "double": 1,
            "revoked": 0,
            "per_min": told["per_min"],
        }
        await socket.ok("watch_gate", event=other.event, list="none")
        await socket.ok("unwatch_gate", event=door.event)
        await socket.refused("event_not_found", "watch_gate", event="evt_none")
    stranger = (await api_key(api, await team(api), ["checkin"]))["key"]
    async with await api.socket(X_API_Key=stranger) as socket:
        await socket.refused("forbidden", "watch_gate", event=door.event)
    reader = (await api_key(api, one, ["events:read"]))["key"]
    async with await api.socket(X_API_Key=reader) as socket:
        await socket.refused("forbidden", "watch_gate", event=door.event)
    async with await api.socket(one.staff) as socket:
        await socket.refused("forbidden", "watch_gate", event=door.event)
