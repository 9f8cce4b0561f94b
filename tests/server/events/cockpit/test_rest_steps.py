"""Who did what to an event, over REST."""

import asyncio

import pytest

from server.app import ROUTES
from server.events.cockpit.rest_steps import STEERS

pytestmark = pytest.mark.postgres

EVENT = {"name": "A talk", "capacity": 10, "starts_at": "2035-12-31T19:00:00Z"}


def test_each_step_is_a_route_that_writes():
    assert set(STEERS) <= {one.path for one in ROUTES if one.method != "GET"}


async def test_whoever_runs_an_event_sees_who_did_what_and_not_what_buyers_did(
    client, admin, guest
):
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    path = f"/v1/events/{event}"
    await admin.good("POST", f"{path}/publish")
    await guest.good("POST", f"{path}/commands", {"op": "hold", "areas": {"GA": 1}})
    await admin.good("POST", f"{path}/commands", {"op": "block", "areas": {"GA": 2}})
    await admin.good("POST", f"{path}/pause")
    # It is stored a moment after it was answered.
    async with asyncio.timeout(30):
        while True:
            steps = (await admin.good("GET", f"{path}/activity"))["items"]
            if len(steps) >= 3:
                break
            await asyncio.sleep(0.05)
    done = [one["details"].get("op", one["route"].rpartition("/")[2]) for one in steps]
    assert done == ["pause", "block", "publish"]
    assert len({one["actor"] for one in steps}) == 1
    assert steps[0]["name"]
    # Somebody who runs events, but not this one.
    who = {"email": "other@example.org", "password": "four plain words here"}
    made = await client.good("POST", "/v1/auth/register", who | {"name": "Otto"})
    user = made["user"]["id"]
    await admin.good("PATCH", f"/v1/users/{user}", {"role": "organizer"})
    token = (await client.good("POST", "/v1/auth/login", who))["access_token"]
    for stranger in (guest, client.as_(token)):
        assert (await stranger.get(f"{path}/activity")).status == 403
