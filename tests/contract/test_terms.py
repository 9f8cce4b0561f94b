"""Over REST: the fees and the tax of an event, as its document tells them.

We know that it works if what was sent is shown, at once and at every process, if each
change counts as one of the event, and if what makes no sense names its field.
"""

from typing import Any

import pytest

from tests.contract.client import Api, after, check_problem

FEES = {
    "per_order": 100,
    "per_ticket": 150,
    "percent_ppm": 25_000,
    "paid_by": "seller",
    "returns": False,
}
NO_FEES = {
    "per_order": 0,
    "per_ticket": 0,
    "percent_ppm": 0,
    "paid_by": "buyer",
    "returns": True,
}
TAX = {"ppm": 190_000, "included": False, "name": "VAT 19 %"}
NO_TAX = {"ppm": 0, "included": True, "name": "Tax"}


async def send(api: Api, event: str, tag: str | None = None, **fields: Any) -> Any:
    headers = None if tag is None else {"If-Match": tag}
    path = f"/v1/events/{event}"
    return await api.request("PATCH", path, fields, who=api.admin, headers=headers)


async def test_an_event_has_the_fees_and_the_tax_that_it_was_given(api):
    plain = await api.draft()
    assert (plain["fees"], plain["tax"]) == (NO_FEES, NO_TAX)
    made = await api.draft(fees=FEES, tax=TAX)
    assert (made["fees"], made["tax"]) == (FEES, TAX)
    shown = await api.event(made["id"])
    assert (shown["fees"], shown["tax"]) == (FEES, TAX)
    path = f"/v1/events/{made['id']}/duplicate"
    copy = await api.good("POST", path, who=api.admin)
    assert (copy["fees"], copy["tax"]) == (FEES, TAX)


async def test_fees_and_tax_are_replaced_whole_and_apart(api):
    event = await api.sale(fees=FEES, tax=TAX)
    shown = (await send(api, event, fees={"per_ticket": 99})).body
    assert (shown["fees"], shown["tax"]) == ({**NO_FEES, "per_ticket": 99}, TAX)
    shown = (await send(api, event, tax={}, description="Long.")).body
    assert (shown["fees"]["per_ticket"], shown["tax"]) == (99, NO_TAX)
    assert (await api.event(event))["tax"] == NO_TAX
    guest = await api.guest()
    body = (await api.get(f"/v1/events/{event}", guest)).body
    assert body["fees"] == shown["fees"]


async def test_a_change_of_fees_is_one_of_the_event(api):
    event = await api.sale()
    tag = (await api.get(f"/v1/events/{event}", api.admin)).headers["etag"]
    answer = await send(api, event, tag, fees=FEES)
    assert answer.status == 200
    assert answer.headers["etag"] != tag
    for fields in ({"tax": TAX}, {"fees": NO_FEES}, {"name": "Late"}):
        check_problem(await send(api, event, tag, **fields), 412)
    same = await send(api, event, answer.headers["etag"], fees=FEES)
    assert same.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fees.per_ticket", {"per_ticket": -1}),
        ("fees.per_order", {"per_order": 100_000_000_001}),
        ("fees.per_order", {"per_order": 1.5}),
        ("fees.percent_ppm", {"percent_ppm": 1_000_001}),
        ("fees.paid_by", {"paid_by": "nobody"}),
        ("fees.returns", {"returns": "no"}),
        ("fees.extra", {"extra": 1}),
        ("fees", None),
        ("tax.ppm", {"ppm": -1}),
        ("tax.ppm", {"ppm": 1_000_001}),
        ("tax.included", {"included": 1}),
        ("tax.name", {"name": " "}),
        ("tax.name", {"name": "x" * 51}),
        ("tax", [190_000]),
    ],
)
async def test_what_makes_no_sense_names_its_field(api, field, value):
    fields = {field.partition(".")[0]: value}
    body = {"name": "x", "capacity": 5, "starts_at": after(days=30), **fields}
    answers = [
        await api.request("POST", "/v1/events", body, who=api.admin),
        await send(api, (await api.draft())["id"], **fields),
    ]
    for answer in answers:
        problem = check_problem(answer, 422)
        assert problem["code"] == "bad_field"
        assert [error["field"] for error in problem["errors"]] == [field]
