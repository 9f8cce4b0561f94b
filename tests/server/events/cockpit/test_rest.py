"""An event as it sells, over REST."""

import pytest

pytestmark = pytest.mark.postgres

EVENT = {"name": "A talk", "capacity": 10, "starts_at": "2035-12-31T19:00:00Z"}


async def test_whoever_runs_an_event_sees_its_seconds(admin, guest):
    event = (await admin.good("POST", "/v1/events", EVENT))["id"]
    await admin.good("POST", f"/v1/events/{event}/publish")
    path = f"/v1/events/{event}/live"
    told = await admin.good("GET", path)
    assert told["status"] == "on_sale"
    assert told["counts"]["free"] == 10
    assert told["owner"]["epoch"] >= 1
    assert told["forecast"] is None
    assert (await guest.get(path)).status == 403
    assert (await admin.get(f"{path}?after=-1")).status == 422
    later = await admin.good("GET", f"{path}?after=99999999999")
    assert later["seconds"] == []
