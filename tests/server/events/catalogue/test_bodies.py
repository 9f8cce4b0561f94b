import msgspec
import pytest

from inventory.faults import Faults
from inventory.rules.settings import completing, merged
from inventory.settings import Money, Settings, SettingsPatch
from server.events.catalogue.bodies import (
    EventCreate,
    EventPatch,
    new_faults,
    patch_faults,
    settings_fields,
    settings_of,
    settings_patch,
)
from server.transport.http.problems import ProblemError
from server.transport.rest.fields import read_time
from server.transport.rest.times import from_ms, to_ms

EVENING = "2026-12-31T19:00:00Z"
LATER = "2026-12-31T22:00:00Z"
LONG_AGO_MS = -(2**50)
"""Before all times."""


def create(**fields: object) -> EventCreate:
    given = {"name": "x", "starts_at": EVENING, "capacity": 5, **fields}
    return msgspec.convert(given, EventCreate)


def patch(**fields: object) -> EventPatch:
    return msgspec.convert(fields, EventPatch)


def price(amount: int, currency: str = "EUR") -> dict[str, object]:
    return {"amount": amount, "currency": currency}


def wrong_field(
    settings: Settings, categories: set[str], now_ms: int = LONG_AGO_MS
) -> str:
    faults = new_faults(settings, categories, categories, now_ms)
    return " ".join(fault.field for fault in faults)


def check_settings(settings: Settings, categories: set[str]) -> None:
    assert new_faults(settings, categories, categories, LONG_AGO_MS) == []


def test_what_is_left_out_has_the_defaults_of_the_contract():
    fields = settings_fields(settings_of(create()))
    assert fields == {
        "name": "x",
        "status": "draft",
        "starts_at": read_time("", EVENING),
        "ends_at": None,
        "on_sale_at": None,
        "off_sale_at": None,
        "completes_at": read_time("", "2027-01-01T19:00:00Z"),
        "timezone": "UTC",
        "hold_ttl_s": 600,
        "max_per_user": 10,
        "max_held_per_network": 50,
        "max_per_booking": 10,
        "prices": {},
        "payment": "none",
        "pay_s": 900,
        "types": {},
        "cancel_until_s": 86_400,
        "prevent_orphans": False,
        "waitlist": True,
        "one_booking_per_user": False,
        "registration": "closed",
        "line": None,
    }


def test_only_events_with_just_a_capacity_have_registrations():
    settings = settings_of(create(registration="open"))
    check_settings(settings, {"GA"})
    assert wrong_field(settings, {"1"}) == "registration"


@pytest.mark.parametrize("fields", [{"capacity": None}, {"venue": "ven_1"}])
def test_an_event_has_a_venue_or_a_capacity_but_not_both(fields):
    faults = Faults()
    create(**fields).check(faults)
    assert [fault.field for fault in faults.all()] == ["venue"]


def test_an_event_ends_after_it_starts():
    assert wrong_field(settings_of(create(ends_at=EVENING)), set()) == "ends_at"
    check_settings(settings_of(create(ends_at=LATER)), set())


def test_nothing_that_began_is_made():
    now_ms = to_ms(read_time("", EVENING))
    settings = settings_of(create(ends_at=EVENING, off_sale_at="2026-12-01T00:00:00Z"))
    assert wrong_field(settings, set(), now_ms) == (
        "starts_at ends_at off_sale_at ends_at"
    )


def test_only_categories_of_the_venue_have_prices():
    settings = settings_of(create(prices={"1": price(100), "2": price(200)}))
    assert wrong_field(settings, {"1"}) == "prices.2"
    assert wrong_field(settings, {"1", "2", "3"}) == "prices.3"
    check_settings(settings, {"1", "2"})


def test_all_prices_are_in_one_currency():
    prices = {"1": price(100), "2": price(100, "USD")}
    assert wrong_field(settings_of(create(prices=prices)), {"1", "2"}) == "prices"


def test_prices_are_kept_as_plain_money():
    settings = settings_of(create(prices={"1": price(100)}))
    assert type(settings.prices["1"]) is Money


@pytest.mark.parametrize("currency", ["EUR\n", "eur", "EU", "EURO", ""])
def test_a_currency_is_three_capital_letters(currency):
    with pytest.raises(msgspec.ValidationError):
        create(prices={"GA": price(1, currency)})


def test_a_price_with_more_than_an_amount_and_a_currency_is_refused():
    with pytest.raises(msgspec.ValidationError):
        create(prices={"1": {**price(100), "vat": 19}})


def test_a_patch_changes_what_it_names_and_nothing_else():
    settings = settings_of(create(ends_at=LATER, prices={"1": price(100)}))
    assert settings_patch(patch(description="z")) == SettingsPatch()
    given = patch(
        name="y", starts_at=LATER, ends_at=None, prices={"1": price(7), "2": None}
    )
    changed = merged(settings, settings_patch(given))
    assert changed.name == "y"
    assert changed.starts_at_ms == to_ms(read_time("", LATER))
    assert changed.ends_at_ms is None
    assert changed.prices == {"1": Money(7, "EUR")}
    assert changed.max_per_user == settings.max_per_user


@pytest.mark.parametrize("field", ["venue", "status", "id", "sale_state"])
def test_a_patch_cannot_name_what_never_changes(field):
    with pytest.raises(msgspec.ValidationError):
        patch(**{field: 1})


def test_a_time_with_any_offset_is_one_instant():
    assert to_ms(read_time("", "2026-12-31T20:00:00+01:00")) == to_ms(
        read_time("", EVENING)
    )


def test_a_plus_sign_that_became_a_blank_in_a_query_is_understood():
    assert read_time("from", "2026-12-31T20:00:00 01:00") == read_time("", EVENING)


@pytest.mark.parametrize("field", ["starts_at", "ends_at", "on_sale_at", "off_sale_at"])
@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00+10:00",
        "0001-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
        "9999-12-31T23:59:59-10:00",
    ],
)
def test_a_time_that_some_zones_have_no_date_for_is_a_wrong_field(field, time):
    assert wrong_field(settings_of(create(**{field: time})), set()) == field


def test_the_first_and_the_last_time_can_be_shown_with_the_end_of_the_sale():
    times = {"starts_at": "0002-01-01T00:00:00Z", "ends_at": "9998-12-31T23:59:59.999Z"}
    settings = completing(settings_of(create(**times)))
    check_settings(settings, set())
    assert settings_fields(settings)["ends_at"].year == 9998
    late = completing(settings_of(create(starts_at=times["ends_at"])))
    check_settings(late, set())
    assert settings_fields(late)["completes_at"].year == 9999


def test_a_time_without_an_offset_is_a_wrong_field():
    with pytest.raises(ProblemError) as raised:
        read_time("from", "2026-12-31T20:00:00")
    assert raised.value.errors[0].field == "from"


@pytest.mark.parametrize("unix_ms", [-1, 0, 1, 1_798_743_600_123])
def test_milliseconds_survive_the_way_out_and_in(unix_ms):
    assert to_ms(from_ms(unix_ms)) == unix_ms


def test_a_patch_is_looked_at_without_the_event():
    wrong = settings_patch(patch(off_sale_at="9999-01-01T00:00:00Z"))
    assert [fault.field for fault in patch_faults(wrong, {"1"})] == ["off_sale_at"]
    opened = settings_patch(patch(registration="open"))
    assert [fault.field for fault in patch_faults(opened, {"1"})] == ["registration"]
    assert patch_faults(opened, {"GA"}) == []
    assert patch_faults(settings_patch(patch(ends_at=None)), set()) == []


def test_types_are_kept_by_key_and_need_a_price_of_their_category():
    child = {"name": "Child", "prices": {"1": {"amount": 500, "currency": "EUR"}}}
    prices = {"1": {"amount": 900, "currency": "EUR"}}
    settings = settings_of(create(types={"child": child}, prices=prices))
    check_settings(settings, {"1"})
    assert settings_fields(settings)["types"]["child"].prices["1"].amount == 500
    alone = settings_of(create(types={"child": child}))
    assert wrong_field(alone, {"1"}) == "types.child.prices.1"
