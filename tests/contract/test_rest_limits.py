"""What administrators are told of the limits."""


async def test_the_limits_are_told_as_they_are_set(api):
    found = await api.good("GET", "/v1/limits", who=api.admin)
    assert found["rate_limits"] in ("on", "off")
    assert found["budgets"]["admin"] == {"requests": 1000, "set": False}
    assert found["quotas"]["members"] == 500
