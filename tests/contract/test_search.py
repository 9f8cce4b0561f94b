"""What lists are searched by: events, bookings, attendees, users, organisations."""

import unicodedata
import uuid

from tests.contract.client import Api, Person
from tests.contract.teams import account, organisation

PASSWORD = "correct horse battery staple"


def a_tag() -> str:
    return f"w{uuid.uuid4().hex}"


async def names(api: Api, path: str, who: Person | None, text: str) -> list[str]:
    page = await api.good("GET", path, who=who, params={"q": text})
    return [item["name"] for item in page["items"]]


async def test_events_are_found_as_people_type_their_names(api):
    tag = a_tag()
    for name in ("AC/DC", "blink-182", "Ñandú"):
        await api.draft(None, capacity=5, name=name, tags=[tag])

    async def found(text: str) -> list[str]:
        return await names(api, "/v1/events", api.admin, f"{text} {tag}")

    for text in ("ac dc", "DC AC", "acdc", "ac/d"):
        assert await found(text) == ["AC/DC"], text
    for text in ("blink 182", "182 bli", "blink182"):
        assert await found(text) == ["blink-182"], text
    for text in ("nandu", "ÑAN", unicodedata.normalize("NFD", "Ñandú")):
        assert await found(text) == ["Ñandú"], text
    assert await found("blink ac") == []


async def registered(api: Api, email: str, name: str) -> Person:
    body = {"email": email, "password": PASSWORD, "name": name}
    made = await api.good("POST", "/v1/auth/register", body)
    return Person(made["user"]["id"], made["user"]["role"], made["access_token"])


async def test_people_and_what_they_booked_are_found(api):
    tag = a_tag()
    who = await registered(api, f"{tag}@münchen.de", "Zoë Müller-Lüdenscheidt")
    event = await api.sale("small")
    held = await api.ok(event, who, "hold", seats=["A-1"])
    booked = await api.ok(event, who, "book", hold=held["hold"])
    talk = await api.sale(None, capacity=5, registration="open")
    body = {"email": f"{tag}@münchen.de", "name": "Zoë Müller-Lüdenscheidt"}
    await api.good("POST", f"/v1/events/{talk}/attendees", body, who=who)
    for text in (
        f"zoe {tag}",
        f"ludenscheidt muller {tag}",
        f"{tag}@munchen.de",
        f"{tag}@xn--mnchen-3ya.de",
        f"{tag} Müllerlü",
    ):
        assert await names(api, "/v1/users", api.admin, text) == [body["name"]], text
        path = f"/v1/events/{talk}/attendees"
        assert await names(api, path, api.admin, text) == [body["name"]], text
        page = await api.good(
            "GET", f"/v1/events/{event}/bookings", who=api.admin, params={"q": text}
        )
        assert [one["id"] for one in page["items"]] == [booked["booking"]], text
    for text in (booked["booking"], booked["reference"].lower(), who.id, "A-1"):
        page = await api.good(
            "GET", f"/v1/events/{event}/bookings", who=api.admin, params={"q": text}
        )
        assert [one["id"] for one in page["items"]] == [booked["booking"]], text


async def test_organisations_are_found_by_their_names(api):
    who, other, tag = await account(api), await account(api), a_tag()
    await organisation(api, who, f"Théâtre {tag}")
    await organisation(api, who, "AC/DC")
    path = "/v1/organisations"
    for anybody in (who, other, None, await api.guest()):
        assert await names(api, path, anybody, f"theatre {tag}") == [f"Théâtre {tag}"]
    assert "AC/DC" in await names(api, path, who, "ac dc")
    assert await names(api, path, api.admin, f"{tag} theatre") == [f"Théâtre {tag}"]
