"""Signals of pressure: levels as they are, shares of what came since the last look."""

from collections import Counter

from server.base.pressure.pressure import Pressure


def test_a_level_is_on_while_it_is_high():
    full, pressure = {"evt": 0.2}, Pressure()
    pressure.level("mailbox", 0.25, full.__getitem__)
    assert pressure.why("evt") is None
    full["evt"] = 0.26
    assert pressure.why("evt") == "mailbox"


def test_a_share_is_of_what_came_since_the_same_event_looked():
    seen, pressure = Counter(slow=90, all=100), Pressure()
    pressure.share("commits", 0.05, lambda _: seen["slow"], lambda _: seen["all"])
    # What was before anybody looked counts for nothing.
    assert pressure.why("evt") is None
    seen.update(slow=5, all=100)
    assert pressure.why("evt") is None
    seen.update(slow=6, all=100)
    assert pressure.why("other") is None
    assert pressure.why("evt") == "commits"
    assert pressure.why("evt") is None
    seen.update(slow=6, all=100)
    pressure.forget("evt")
    assert pressure.why("evt") is None
    assert pressure.why("other") == "commits"


def test_nothing_came_and_nothing_is_on():
    pressure = Pressure()
    pressure.share("payments", 0.2, lambda _: 0.0, lambda _: 0.0)
    assert pressure.why("evt") is None
    assert pressure.why("evt") is None
