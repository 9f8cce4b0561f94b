"""What somebody who waits may expect, as it is told."""

from inventory.line.wishes import Wish
from server.events.line.odds.forecast import Forecast, Supply
from server.events.line.wire.outlook import Facts, Outlook, outlook_of, why_fallen
from tests.server.events.line.odds.test_making import AREA, ONE, forecast_of, waiting


def forecast(**more) -> Forecast:
    return forecast_of(waiting(AREA, *[ONE] * 200), **more)


def test_without_a_rank_nothing_is_told():
    assert outlook_of(None, forecast(), None, None, ONE) == Outlook()
    assert outlook_of(None, None, 3, 2, ONE) == Outlook()


def test_words_come_with_the_facts_under_them():
    told = outlook_of(None, forecast(), 51, 50, ONE)
    assert (told.odds, told.odds_end) == ("very_likely", "very_likely")
    assert told.facts == Facts(50, 50, 100)
    assert told.others is None
    known = outlook_of(None, forecast(known=False), 51, 50, ONE)
    assert (known.odds, known.odds_end, known.facts) == (None, None, told.facts)


def test_who_will_hardly_get_it_hears_of_other_categories():
    told = outlook_of(None, forecast(), 190, 189, ONE)
    assert told.odds_end == "very_unlikely"
    assert told.others == {"1": "about_even"} or set(told.others or {}) == {"1"}
    # Who would have anything has heard of all there is.
    anything = outlook_of(None, forecast(), 199, 198, Wish(50))
    assert anything.others is None


def test_a_word_that_falls_says_why():
    def told(word, wanted, left):
        return Outlook(odds_end=word, facts=Facts(9, wanted, left))

    likely = told("likely", 20, 50)
    assert why_fallen(likely, told("unlikely", 40, 45)) == "more_before"
    assert why_fallen(likely, told("unlikely", 18, 10)) == "fewer_left"
    assert why_fallen(likely, told("likely", 40, 10)) is None
    assert why_fallen(likely, told("very_likely", 40, 10)) is None
    assert why_fallen(Outlook(), likely) is None
    assert why_fallen(likely, Outlook()) is None
    bare = Outlook(odds_end="unlikely")
    assert why_fallen(likely, bare) == "fewer_left"


def test_a_list_is_served_from_what_returns_alone():
    made = forecast()
    supply = Supply("2", False, 100, 0, 90, False, (0, 0), (0, 0))
    listed = Forecast(
        **{
            **{name: getattr(made, name) for name in made.__struct_fields__},
            "listed": True,
            "kept": 0.5,
            "ranks": (1, 10),
            "wanted": (0, 9),
            "supplies": (supply,),
        }
    )
    told = listed.told(5, ONE)
    assert told.odds == told.odds_end == "very_likely"
    assert told.left == 0
