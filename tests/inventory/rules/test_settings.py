"""What an event may be set to: patches merge, and times and prices go together."""

from datetime import datetime
from typing import Any

import pytest

from inventory.settings import Money
from tests.scenario import DAY_MS, NOW_MS, SMALL, Scene, hall, play, settings_of


def test_two_patches_of_different_fields_both_survive():
    scene = play("""
        org | configure name=Night     | ok
        org | configure max_per_user=3 | ok
        org | configure price.1=100    | ok
        org | configure price.2=200    | ok
    """)
    settings = scene.stock.settings
    assert (settings.name, settings.max_per_user) == ("Night", 3)
    assert settings.prices == {"1": Money(100, "EUR"), "2": Money(200, "EUR")}


def test_where_one_category_has_a_price_each_on_sale_must_have_one():
    scene = play(
        """
        org | configure price.2=none              | bad_field
        org | configure price.1=none price.2=none | ok
        ann | hold C-1                            | ok total=None
        org | configure price.1=100               | bad_field
        org | configure price.1=100 price.2=0     | ok
        bob | hold C-2                            | ok total=0
        """
    )
    assert scene.wrong_fields("configure price.1=none") == "prices.1"


def test_a_draft_is_incomplete_until_it_is_published():
    scene = play("org | configure price.2=none | ok", sale_state="draft")
    assert scene.wrong_fields("sale publish") == "prices.2"
    assert scene.refused("org", "sale publish").code == "wrong_state"
    scene.play("""
        org | configure price.2=0 | ok
        org | sale publish        | ok status=on_sale
    """)


def test_categories_that_nothing_is_of_need_no_price():
    scene = Scene(hall("A 11"), settings_of(prices={}))
    scene.play("org | configure price.1=5 | ok")


@pytest.mark.parametrize("price", ["price.9=1", "price.1=1ABC", "price.1=1USD"])
def test_prices_are_of_the_venue_and_in_one_known_currency(price):
    play(f"org | configure {price} | bad_field")


HELD_OR_SOLD = {
    "held": "ann | hold A-1 | ok",
    "sold": """
        ann | hold A-1 | ok
        ann | book h1  | ok
    """,
}


@pytest.mark.parametrize("rows", HELD_OR_SOLD.values(), ids=HELD_OR_SOLD)
def test_the_currency_stays_once_something_is_held_or_sold(rows):
    scene = play("org | configure price.1=1JPY price.2=2JPY | ok")
    scene.play(rows).play("""
        org | configure price.1=1 price.2=2       | tickets_sold
        org | configure price.1=3JPY              | ok
        org | configure price.1=none price.2=none | ok
        org | configure price.1=1 price.2=2       | tickets_sold
        org | configure price.1=1JPY price.2=2JPY | ok
    """)


def test_the_currency_may_change_again_when_all_is_given_back():
    play("""
        ann | hold A-1                            | ok
        org | configure price.1=1JPY price.2=2JPY | tickets_sold
        ann | release h1                          | ok
        org | configure price.1=1JPY price.2=2JPY | ok
    """)


def test_what_was_held_for_nothing_is_in_no_currency():
    play("""
        org | configure price.1=none price.2=none | ok
        ann | hold A-1                            | ok total=None
        org | configure price.1=1JPY price.2=2JPY | ok
        ann | book h1                             | ok total=None
        org | configure price.1=1 price.2=2       | ok
    """)


@pytest.mark.parametrize("state", ["scheduled", "on_sale", "paused", "closed"])
def test_a_patch_into_the_past_completes_the_event(state):
    scene = play(
        f"""
        org | configure starts_at_ms={NOW_MS - 2 * DAY_MS} | ok status=completed
        ann | hold A-1                                     | sale_closed
        """,
        sale_state=state,
    )
    assert scene.stock.settings.completes_at_ms == NOW_MS - DAY_MS


def test_a_patch_of_the_end_moves_when_it_is_completed():
    scene = play(f"org | configure ends_at_ms={NOW_MS + 31 * DAY_MS} | ok")
    assert scene.stock.settings.completes_at_ms == NOW_MS + 31 * DAY_MS


def test_a_draft_in_the_past_is_neither_completed_nor_published():
    scene = play(
        f"org | configure starts_at_ms={NOW_MS - 1} | ok status=draft",
        sale_state="draft",
    )
    assert scene.wrong_fields("sale publish") == "starts_at"


def test_an_event_of_former_versions_is_completed_when_it_is_over():
    play(
        """
        x   | complete | wrong_state
        tick +86401s
        x   | complete | ok
        """,
        starts_at_ms=NOW_MS,
        completes_at_ms=None,
    )


START = NOW_MS + 30 * DAY_MS


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        (f"ends_at_ms={START}", "ends_at"),
        (f"on_sale_at_ms={START + 1}", "on_sale_at"),
        (f"on_sale_at_ms={START} off_sale_at_ms={START}", "off_sale_at"),
        (f"off_sale_at_ms={START + DAY_MS + 1}", "off_sale_at"),
        (f"ends_at_ms={START + 9} off_sale_at_ms={START + 10}", "off_sale_at"),
        (f"ends_at_ms={START} on_sale_at_ms={START + 1}", "ends_at on_sale_at"),
    ],
)
def test_times_come_in_their_order(patch, field):
    scene = Scene(SMALL, settings_of())
    assert scene.wrong_fields(f"configure {patch}") == field


def ms(text: str) -> int:
    """Unix milliseconds of a time with its offset."""
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


# Summer time ends in Berlin on 2026-10-25, at 01:00 UTC.
AUTUMN: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "starts_at_ms": ms("2026-10-24T10:00+02:00"),
    "ends_at_ms": ms("2026-10-24T12:00+02:00"),
    "on_sale_at_ms": ms("2026-10-23T09:00+02:00"),
    "off_sale_at_ms": ms("2026-10-24T09:30+02:00"),
}
NEXT_DAY = f"org | configure starts_at_ms={ms('2026-10-25T10:00+01:00')}"


def test_what_hangs_on_the_beginning_moves_along_on_the_clocks_of_the_zone():
    settings = play(f"{NEXT_DAY} | ok", sale_state="scheduled", **AUTUMN).stock.settings
    assert settings.ends_at_ms == ms("2026-10-25T12:00+01:00")
    assert settings.completes_at_ms == settings.ends_at_ms
    assert settings.on_sale_at_ms == ms("2026-10-24T09:00+02:00")
    assert settings.off_sale_at_ms == ms("2026-10-25T09:30+01:00")


def test_when_a_sale_opened_stays_as_it_was():
    settings = play(f"{NEXT_DAY} | ok", sale_state="paused", **AUTUMN).stock.settings
    assert settings.on_sale_at_ms == AUTUMN["on_sale_at_ms"]
    assert settings.off_sale_at_ms == ms("2026-10-25T09:30+01:00")


def test_what_the_patch_sets_itself_does_not_move():
    wanted = ms("2026-10-25T11:00+01:00")
    settings = play(
        f"{NEXT_DAY} ends_at_ms={wanted} off_sale_at_ms=none | ok", **AUTUMN
    ).stock.settings
    assert (settings.ends_at_ms, settings.off_sale_at_ms) == (wanted, None)


def test_the_zone_of_the_same_patch_is_the_one_that_counts():
    settings = play(
        f"{NEXT_DAY} timezone=UTC | ok", sale_state="scheduled", **AUTUMN
    ).stock.settings
    # 25 hours later, as UTC has it; the clocks of Berlin say a day.
    assert settings.on_sale_at_ms == ms("2026-10-24T10:00+02:00")
    assert settings.timezone == "UTC"


def test_another_zone_alone_moves_no_time():
    settings = play("org | configure timezone=Asia/Tokyo | ok", **AUTUMN).stock.settings
    assert settings.starts_at_ms == AUTUMN["starts_at_ms"]
    assert settings.off_sale_at_ms == AUTUMN["off_sale_at_ms"]


def test_what_would_move_beyond_all_dates_is_refused_by_its_name():
    last = ms("9998-12-31T22:00+00:00")
    scene = Scene(SMALL, settings_of(**AUTUMN))
    assert scene.wrong_fields(f"configure starts_at_ms={last}") == "ends_at"


def test_what_was_wrong_before_does_not_keep_other_fields_from_changing():
    play(
        "org | configure max_per_user=3 | ok",
        on_sale_at_ms=START + 1,
        prices={"1": Money(1, "EUR")},
    )
