"""What an event may be set to: patches merge, and times and prices go together."""

import pytest

from inventory.commands import Configure, DeleteEvent
from inventory.replies import Refused
from inventory.settings import Money, SettingsPatch
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


def test_what_was_wrong_before_does_not_keep_other_fields_from_changing():
    play(
        "org | configure max_per_user=3 | ok",
        on_sale_at_ms=START + 1,
        prices={"1": Money(1, "EUR")},
    )


def test_a_revision_counts_what_is_changed_and_not_what_is_sold():
    scene = play("""
        org | configure name=Night max_per_user=5 | ok
        ann | hold A-1                            | ok
        ann | book h1                             | ok
        org | sale pause                          | ok
        org | configure name=Night                | ok
        org | configure max_per_user=6            | ok
    """)
    assert scene.stock.settings.revision == 2


def test_settings_are_changed_by_who_saw_them_as_they_are():
    scene = play("org | configure name=Night | ok")

    def configure(*seen: int) -> Configure:
        patch = SettingsPatch(name=f"Day after {seen}")
        return Configure(id=0, event="e", patch=patch, seen=seen)

    for seen in ((), (0,), (2, 3)):
        for command in (configure(*seen), DeleteEvent(id=0, event="e", seen=seen)):
            reply = scene.ask("org", command)
            assert isinstance(reply, Refused)
            assert reply.code == "precondition_failed"
    assert not isinstance(scene.ask("org", configure(0, 1)), Refused)
    assert scene.stock.settings.revision == 2
    scene.play("org | sale cancel | ok")
    late = scene.ask("org", configure(1))
    assert isinstance(late, Refused)
    assert late.code == "precondition_failed"
    gone = scene.ask("org", DeleteEvent(id=0, event="e", seen=(2,)))
    assert not isinstance(gone, Refused)
