"""Jobs over REST: administrators see them, and have them done now."""


async def test_administrators_see_jobs_and_have_them_done(client, admin, guest):
    jobs = {one["job"]: one for one in (await admin.good("GET", "/v1/jobs"))["items"]}
    assert {"ranking", "outcomes of commands", "sessions that are over"} <= jobs.keys()
    for _ in range(200):
        listed = await admin.good("GET", "/v1/jobs")
        jobs = {one["job"]: one for one in listed["items"]}
        if jobs["outcomes of commands"]["ok_at"] is not None:
            break
    before = jobs["outcomes of commands"]
    assert before["state"] == "waiting"
    assert (before["failures"], before["error"], before["overdue"]) == (0, None, False)
    assert before["every_s"] == 3600
    asked = await admin.send("POST", "/v1/jobs/outcomes%20of%20commands/run")
    assert asked.status == 202
    assert asked.body["job"] == "outcomes of commands"
    for _ in range(200):
        listed = await admin.good("GET", "/v1/jobs")
        jobs = {one["job"]: one for one in listed["items"]}
        if jobs["outcomes of commands"]["ok_at"] > before["ok_at"]:
            break
    assert jobs["outcomes of commands"]["ok_at"] > before["ok_at"]
    unknown = await admin.send("POST", "/v1/jobs/nothing/run")
    assert (unknown.status, unknown.body["code"]) == (404, "job_not_found")
    for one, status in ((client, 401), (guest, 403)):
        assert (await one.send("GET", "/v1/jobs")).status == status
        assert (await one.send("POST", "/v1/jobs/ranking/run")).status == status
    part = (await client.good("GET", "/health"))["parts"]["jobs"]
    assert part == {"status": "ok", "problems": []}
