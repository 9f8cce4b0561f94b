"""Nothing that lets somebody in, or pay for another's seats, is told to others."""

import contextlib
import json

from tests.contract.client import Api
from tests.contract.process import ADMIN_PASSWORD
from tests.security.conftest import SECRET
from tests.security.wire import TEXT, Ended, Raw, frame, request

TOKENS = ("access_token", "refresh_token")
GUESS = "hunter2-is-no-password"


async def show_tokens_everywhere(api: Api, event: str, token: str) -> None:
    """Put a token wherever it does not belong."""
    for path in (f"/v1/{token}", f"/v1/events?token={token}", f"/v1/events/{token}"):
        await api.get(path)
    await api.get("/v1/bookings", authorization=f"Basic {token}")
    await api.get("/v1/bookings", x_api_key=token)
    await api.get("/v1/bookings", authorization=f"Bearer {token}x")
    await api.request("POST", "/v1/events", data=f'{{"{token}"'.encode())
    raw = await Raw.connect(api.url)
    with contextlib.suppress(Ended):
        await raw.ask(request(token).replace(b"GET", b"G\x00T"))
    raw.abort()
    raw = await Raw.open(api.url, token)
    raw.send(frame(TEXT, f'{{"op":"hello","id":1,"token":"{token}'.encode()))
    await raw.read()
    raw.send(frame(TEXT, token.encode() * 200))
    await raw.rest()
    raw.abort()


async def have_an_account(api: Api) -> list[str]:
    """Register, refresh, show a token twice; give all that is secret."""
    password = "the password of a customer"
    body = {"email": "olga@example.org", "password": password, "name": "Olga"}
    made = await api.good("POST", "/v1/auth/register", body)
    once = {"refresh_token": made["refresh_token"]}
    following = await api.good("POST", "/v1/auth/refresh", once)
    then = {"refresh_token": following["refresh_token"]}
    last = await api.good("POST", "/v1/auth/refresh", then)
    again = await api.request("POST", "/v1/auth/refresh", once)
    assert again.status == 401
    tokens = [one[name] for one in (made, following, last) for name in TOKENS]
    return [password, *tokens]


async def live_a_little(api: Api) -> tuple[str, list[str]]:
    """Do most of what there is to do; give the event and all that is secret."""
    event = await api.sale("small")
    one, two, three = await api.guests(3)
    secrets = [SECRET, ADMIN_PASSWORD, GUESS, api.admin.token]
    secrets += [person.token for person in (one, two, three)]
    assert (await api.login(password=GUESS)).status == 401
    secrets += await have_an_account(api)
    async with (
        await api.socket(one, hello=True) as buyer,
        await api.socket(two, packed=True) as other,
    ):
        await (await other.watch(event)).reach()
        held = await buyer.ok("hold", event=event, seats=["A-1"])
        kept = await buyer.ok("hold", event=event, seats=["B-1"])
        secrets += [held["hold"], kept["hold"]]
        await other.refused("hold_not_found", "book", event=event, hold=held["hold"])
        fields = {"event": event, "hold": held["hold"]}
        await buyer.ask("book", nonsense=held["hold"], **fields)
        await buyer.ok("book", key="k", **fields)
        over_rest = await api.ok(event, three, "hold", areas={"GA1": 1})
        secrets.append(over_rest["hold"])
        last = await api.ok(event, three, "release", hold=over_rest["hold"])
        board = await (await buyer.watch(event)).reach(last["version"])
        seen = "".join(json.dumps(frame) for frame in other.log)
        assert board.letters.count("h") == 1
    assert [secret for secret in secrets if secret in seen] == []
    await show_tokens_everywhere(api, event, one.token)
    return event, secrets


async def test_no_secret_is_in_a_log_a_metric_a_journal_or_anothers_frame(
    strict_server, strict_api
):
    api = strict_api
    event, secrets = await live_a_little(api)
    told = {}
    for path in ("/metrics", "/health", "/openapi.json", f"/v1/events/{event}"):
        told[path] = (await api.get(path)).raw.decode()
    for path in ("journal", "audit", "availability"):
        answer = await api.get(f"/v1/events/{event}/{path}", api.admin)
        assert answer.status == 200
        told[path] = answer.raw.decode()
    told["log"] = strict_server.log()
    # The signature alone is as good as the token, for who knows the rest.
    secrets += [
        secret.rpartition(".")[2] for secret in secrets if secret.count(".") == 2
    ]
    assert api.admin.token.rpartition(".")[2] in secrets
    assert len(secrets) == 14 + 5 + 2 + 3
    leaks = [place for place, text in told.items() for each in secrets if each in text]
    assert leaks == []
    # The log was kept at all.
    assert "migrated the database" in told["log"]


async def test_an_error_of_the_server_tells_its_client_nothing_but_an_id(api):
    answer = await api.get("/v1/events/%00")
    assert answer.status == 404
    assert b"Traceback" not in answer.raw
    assert answer.headers["server"] == "onsale"
