"""Tickets over REST: made a moment after the booking, taken along, checked offline."""

import asyncio
import json
from itertools import count

import pytest

from tests.contract.client import Api, Json, Person, after, check_problem
from tests.contract.teams import Team, account, api_key, by_machine, team
from tests.server.ops.cli.test_audit import onsale
from tests.server.shop.tickets.scanning import read_pdf, read_svg

LOOKS_MAX = 400
_teams: dict[str, Team] = {}
NAME = "Zauberflöte, Ἀθήνα, Щелкунчик"


async def sale(api: Api, made: Team, name: str = NAME) -> str:
    """Put an event with seats and places of the organisation on sale."""
    venue_map = {
        "categories": [{"key": "1", "label": "Parkett"}],
        "seats": [{"row": "A", "number": str(n), "category": "1"} for n in range(1, 9)],
        "areas": [{"label": "GA", "capacity": 20, "category": "1"}],
    }
    body = {"name": "Großes Haus", "map": venue_map, "organisation": made.id}
    venue = await api.good("POST", "/v1/venues", body, who=made.leader)
    draft: Json = {
        "name": name,
        "venue": venue["id"],
        "starts_at": after(days=30),
        "organisation": made.id,
        "timezone": "Europe/Berlin",
    }
    event = await api.good("POST", "/v1/events", draft, who=made.leader)
    await api.good("POST", f"/v1/events/{event['id']}/publish", who=made.leader)
    return str(event["id"])


async def book(api: Api, event: str, who: Person, *seats: str, places: int = 0) -> Json:
    areas = {"areas": {"GA": places}} if places else {}
    held = await api.ok(event, who, "hold", seats=list(seats), **areas)
    return await api.ok(event, who, "book", hold=held["hold"])


async def tickets(api: Api, who: Person, wanted: int, **query: str) -> list[Json]:
    """Return the tickets of somebody once there are so many."""
    for look in count():
        path = "/v1/tickets"
        items = (await api.good("GET", path, who=who, params=query))["items"]
        if len(items) == wanted:
            return list(items)
        assert look < LOOKS_MAX, items
        await asyncio.sleep(0.05)
    raise AssertionError


@pytest.fixture
async def made(api):
    """One organisation for all tests here: to hash the passwords of one takes long."""
    if api.url not in _teams:
        _teams[api.url] = await team(api)
    return _teams[api.url]


async def test_three_codes_of_one_booking_open_three_times(api, made, tmp_path):
    """Drawn, scanned and verified where no server is; a revoked one stays out."""
    event, buyer = await sale(api, made), await account(api)
    booking = await book(api, event, buyer, "A-1", "A-2", places=1)
    mine = await tickets(api, buyer, 3)
    assert sorted(one["label"] for one in mine) == ["A-1", "A-2", "GA"]
    assert {one["booking"] for one in mine} == {booking["booking"]}
    keys, gone = tmp_path / "keys.json", tmp_path / "revoked.json"
    keys.write_bytes((await api.get("/v1/ticket-keys")).raw)
    path = f"/v1/events/{event}/tickets/revoked"
    gone.write_bytes((await api.get(path, who=made.staff)).raw)
    codes = []
    for one in mine:
        picture = await api.get(f"/v1/tickets/{one['ticket']}.svg", who=buyer)
        assert picture.headers["content-type"] == "image/svg+xml"
        codes.append(read_svg(picture.raw))
        done = onsale("ticket", "verify", codes[-1], "--key", keys, "--revoked", gone)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"Valid: ticket {one['number']}, generation 1," in done.stdout
        assert made.id in done.stdout
    assert codes == [one["code"] for one in mine]
    assert len(set(codes)) == len({one["number"] for one in mine}) == 3
    cancel = f"/v1/bookings/{booking['booking']}/cancel"
    await api.good("POST", cancel, who=buyer)
    after_it = await tickets(api, buyer, 3, status="revoked")
    assert [one["code"] for one in after_it] == [None] * 3
    gone.write_bytes((await api.get(path, who=made.staff)).raw)
    done = onsale("ticket", "verify", codes[0], "--key", keys, "--revoked", gone)
    assert (done.returncode, "was revoked" in done.stdout) == (1, True)


async def test_a_ticket_is_printed_with_names_of_three_scripts(api, made):
    event, buyer = await sale(api, made), await account(api)
    await book(api, event, buyer, "A-1")
    (one,) = await tickets(api, buyer, 1)
    path = f"/v1/tickets/{one['ticket']}.pdf"
    first, second = await asyncio.gather(*(api.get(path, who=buyer) for _ in range(2)))
    assert first.raw == second.raw
    text, code = read_pdf(first.raw)
    assert code == one["code"]
    for said in ("Zauberflöte, Ἀθήνα,", "Щелкунчик", "Großes Haus", "Seat A-1"):
        assert said in text
    assert one["number"] in text
    tag = first.headers["etag"]
    assert (await api.get(path, who=buyer, if_none_match=tag)).status == 304


async def test_what_is_not_set_is_told_and_not_printed_as_boxes(api, made):
    event, buyer = await sale(api, made, "東京 公演"), await account(api)
    await book(api, event, buyer, "A-1")
    (one,) = await tickets(api, buyer, 1)
    answer = await api.get(f"/v1/tickets/{one['ticket']}.pdf", who=buyer)
    problem = check_problem(answer, 409)
    assert problem["code"] == "script_not_printed"
    assert "東 (U+6771)" in problem["detail"]
    picture = await api.get(f"/v1/tickets/{one['ticket']}.svg", who=buyer)
    assert read_svg(picture.raw) == one["code"]
    wallet = await api.good(
        "GET", f"/v1/tickets/{one['ticket']}/wallet.json", who=buyer
    )
    assert wallet["barcode"]["message"] == one["code"]
    assert wallet["event"]["name"] == "東京 公演"


async def test_who_sees_a_ticket_and_who_its_code(api, made):
    event, buyer = await sale(api, made), await account(api)
    await book(api, event, buyer, "A-1")
    (one,) = await tickets(api, buyer, 1)
    path = f"/v1/tickets/{one['ticket']}"
    for who in (buyer, made.leader, made.owner, api.admin):
        assert (await api.good("GET", path, who=who))["code"] == one["code"]
    shown = await api.good("GET", path, who=made.staff)
    assert (shown["number"], shown["code"]) == (one["number"], None)
    for end in (".svg", ".pdf", "/wallet.json"):
        check_problem(await api.get(path + end, who=made.staff), 403)
    key = (await api_key(api, made, ["bookings:read"]))["key"]
    assert (await by_machine(api, key, "GET", path)).body["code"] is None
    for end in ("", ".svg", ".pdf", "/wallet.json"):
        problem = check_problem(await api.get(path + end, who=await api.guest()), 404)
        assert problem["code"] == "ticket_not_found"
        check_problem(await api.get(path + end), 401)
    listed = await api.good("GET", f"/v1/events/{event}/tickets", who=made.staff)
    assert [(row["ticket"], row["code"]) for row in listed["items"]] == [
        (one["ticket"], None)
    ]
    answer = await api.get(path, who=buyer)
    tag = answer.headers["etag"]
    assert (await api.get(path, who=buyer, if_none_match=tag)).status == 304


async def test_a_ticket_that_is_issued_again_has_one_code_that_counts(api, made):
    event, buyer = await sale(api, made), await account(api)
    await book(api, event, buyer, "A-1")
    (one,) = await tickets(api, buyer, 1)
    path, again = f"/v1/tickets/{one['ticket']}", {"generation": 1}
    for who, status in ((buyer, 403), (made.staff, 403), (await api.guest(), 404)):
        check_problem(
            await api.request("POST", f"{path}/reissue", again, who=who), status
        )
    anew = await asyncio.gather(
        *(api.good("POST", f"{path}/reissue", again, who=made.leader) for _ in range(5))
    )
    assert {(row["number"], row["generation"]) for row in anew} == {(one["number"], 2)}
    assert {row["code"] for row in anew} != {one["code"]}
    revoked = f"/v1/events/{event}/tickets/revoked"
    listed = await api.good("GET", revoked, who=made.staff)
    assert [(row["number"], row["generation"]) for row in listed["items"]] == [
        (one["number"], 1)
    ]
    later = await api.good(
        "GET", revoked, who=made.staff, params={"since": str(listed["revision"])}
    )
    assert (later["items"], later["complete"]) == ([], True)
    wrong = await api.request(
        "POST", f"{path}/reissue", {"generation": 7}, who=made.leader
    )
    assert check_problem(wrong, 409)["code"] == "ticket_changed"


async def test_the_list_of_an_event_is_searched(api, made):
    event, buyer = await sale(api, made), await account(api)
    first = await book(api, event, buyer, "A-1", places=2)
    await book(api, event, buyer, "A-2")
    mine = await tickets(api, buyer, 4, event=event)
    path = f"/v1/events/{event}/tickets"

    async def found(**query: str) -> list[str]:
        body = await api.good("GET", path, who=made.staff, params=query)
        return sorted(row["label"] for row in body["items"])

    assert await found() == ["A-1", "A-2", "GA", "GA"]
    assert await found(q="A-2") == ["A-2"]
    assert await found(q=first["booking"]) == ["A-1", "GA", "GA"]
    number = next(row["number"] for row in mine if row["label"] == "A-1")
    assert await found(q=number.lower()) == ["A-1"]
    assert await found(q="none") == []
    assert await found(status="revoked") == []
    page = await api.good(
        "GET", path, who=made.staff, params={"limit": "3", "count": "true"}
    )
    assert (len(page["items"]), page["total"]) == (3, 4)
    rest = await api.good(
        "GET", path, who=made.staff, params={"cursor": page["next_cursor"]}
    )
    assert len(rest["items"]) == 1
    strange = await account(api)
    check_problem(await api.get(path, who=strange), 403)


async def test_a_further_key_is_shown_before_it_signs(api, made):
    event, buyer = await sale(api, made), await account(api)
    await book(api, event, buyer, "A-1")
    await tickets(api, buyer, 1)
    body = {"organisation": made.id}

    async def keys() -> list[Json]:
        shown = (await api.good("GET", "/v1/ticket-keys"))["keys"]
        return [one for one in shown if one["organisation"] == made.id]

    (old,) = await keys()
    for who in (made.leader, made.staff, buyer):
        check_problem(await api.request("POST", "/v1/ticket-keys", body, who=who), 403)
    new = await api.good("POST", "/v1/ticket-keys", body, who=made.owner)
    assert new["key"] != old["key"]
    assert new["signs_from"] > after(hours=20)
    # Once more is the one that waits.
    assert await api.good("POST", "/v1/ticket-keys", body, who=made.owner) == new
    assert await keys() == [old, new]
    house = {"organisation": None}
    denied = await api.request("POST", "/v1/ticket-keys", house, who=made.owner)
    check_problem(denied, 403)
    assert json.loads((await api.get("/v1/ticket-keys")).raw)["keys"]
