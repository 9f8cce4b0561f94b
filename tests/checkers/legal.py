"""Histories of an honest server, made by hand: each must be believed."""

from collections.abc import Callable

from msgspec.structs import replace

from inventory.changes import HoldsKept
from inventory.replies import refuse
from tests.checkers.tale import Tale

Story = Callable[[Tale], None]
LEGAL: list[Story] = []


def legal(story: Story) -> Story:
    LEGAL.append(story)
    return story


@legal
def nothing_at_all(tale):
    pass


@legal
def a_sale_from_hold_to_cancellation(tale):
    tale.ask("ann", "hold A-1 A-2 GA*3")
    tale.ask("ann", "hold A-3 on=h1")
    tale.ask("ann", "extend h1")
    tale.ask("ann", "release h1 A-3 GA*1")
    tale.ask("ann", "book h1 order=o-1")
    tale.ask("ann", "holding")
    tale.ask("ann", "cancel b1")
    tale.ask("ann", "holding")


@legal
def best_seats(tale):
    tale.ask("ann", "best 2")
    tale.ask("bob", "best 3 category=2")
    tale.ask("cat", "best 4 scattered")
    tale.ask("dan", "best 9")


@legal
def somebody_was_faster(tale):
    tale.ask("ann", "hold A-1")
    for _ in range(40):
        tale.ask("bob", "hold A-1 A-2")
    tale.ask("ann", "release h1")
    tale.ask("bob", "hold A-1 A-2")


@legal
def organisers_work(tale):
    tale.ask("org", "block B-1 GA*2")
    tale.ask("ann", "hold B-1")
    tale.ask("org", "unblock B-1")
    tale.ask("org", "sale pause")
    tale.ask("ann", "hold B-1")
    tale.ask("ann", "block B-1")
    tale.ask("org", "sale resume")
    tale.ask("ann", "hold B-1")


@legal
def hoarders_wait(tale):
    for _ in range(3):
        hold = tale.ask("ann", "hold A-1", origin="n1").reply.hold
        tale.ask("ann", f"release {hold}", origin="n1")
    late = tale.begin("ann", "hold A-1", origin="n1")
    tale.tick(10)
    tale.end(late, tale.judge(late))
    tale.ask("bob", "hold A-1", origin="n1")
    tale.ask("ann", "best 4 category=1", origin="n1")
    tale.ask("bob", "best 8 category=1 scattered", origin="n1")


@legal
def a_network_holds_no_more_for_a_minute(tale):
    tale.ask("org", "configure max_held_per_network=10")
    for user in ("ann", "bob", "cat", "dan"):
        tale.ask(user, "best 2 category=1", origin="n1")
    tale.ask("ann", "release h1", origin="n1")
    late = tale.begin("fay", "hold GA*9", origin="n1")
    tale.tick(61)
    tale.ask("gus", "hold GA*9", origin="n2")
    tale.end(late, tale.judge(late))


@legal
def a_cancelled_event_keeps_no_hold(tale):
    tale.ask("ann", "hold A-1 A-2")
    tale.ask("for:ann", "pledge h1 order=o1 until=900")
    tale.ask("bob", "hold B-1")
    tale.ask("org", "sale cancel")
    tale.tick(1)


@legal
def each_kind_of_refusal(tale):
    for text in (
        "hold Z-9",
        "hold NO*1",
        "hold GA*10",
        "hold GA*11",
        "extend h9",
        "book h9",
        "cancel b9",
        "block A-1",
        "sale pause",
        "hold A-1 on=h7",
    ):
        tale.ask("bob", text)


@legal
def concurrent_buyers_answered_in_another_order(tale):
    first, second = tale.begin("ann", "hold A-1"), tale.begin("bob", "hold A-1")
    won, lost = tale.judge(second), tale.judge(first)
    tale.end(first, lost)
    tale.end(second, won)


@legal
def a_late_answer_of_an_old_look(tale):
    slow = tale.begin("ann", "holding")
    seen = tale.judge(slow)
    tale.ask("ann", "hold A-1")
    tale.end(slow, seen)


@legal
def a_lost_answer_of_what_happened(tale):
    tale.judge(tale.begin("ann", "hold A-1"))
    tale.ask("bob", "hold A-1")
    tale.ask("ann", "holding")


@legal
def a_lost_answer_of_what_did_not_happen(tale):
    tale.begin("ann", "hold A-1")
    tale.ask("bob", "hold A-1")


@legal
def an_answer_that_says_it_is_not_known(tale):
    doubtful = tale.begin("ann", "hold A-1")
    tale.judge(doubtful)
    tale.end(doubtful, refuse("outcome_unknown"))
    tale.ask("bob", "hold A-1")


@legal
def an_unknown_outcome_that_happens_much_later(tale):
    late = tale.begin("ann", "hold A-1")
    tale.ask("bob", "hold A-2")
    tale.judge(late)
    tale.ask("bob", "hold A-1")


@legal
def two_unknown_twins_of_which_both_happened(tale):
    for _ in range(2):
        tale.judge(tale.begin("ann", "hold GA*1"))


@legal
def unknown_commands_that_only_fit_crosswise(tale):
    # Either would fit the first change; only the best-of-any fits the second.
    best = tale.begin("ann", "best 2")
    named = tale.begin("ann", "hold B-2 B-3")
    tale.judge(named)
    tale.judge(best)


@legal
def a_retry_that_gets_the_first_answer(tale):
    first = tale.ask("ann", "hold A-1", key="k")
    tale.ask("ann", "book h1", key="k2")
    tale.tick(3)
    again = tale.begin("ann", "hold A-1", key="k")
    left_ms = first.reply.expires_in_ms - 3_000
    tale.end(again, replace(first.reply, id=77, expires_in_ms=left_ms))


@legal
def a_retry_after_a_lost_answer(tale):
    lost = tale.begin("ann", "hold A-1", key="k")
    reply = tale.judge(lost)
    tale.ask("bob", "hold A-1")
    tale.end(tale.begin("ann", "hold A-1", key="k"), reply)


@legal
def a_retry_after_a_refusal_that_is_not_remembered(tale):
    tale.ask("bob", "hold A-1")
    tale.ask("ann", "hold A-1", key="k")
    tale.ask("bob", "release h1")
    tale.ask("ann", "hold A-1", key="k")


@legal
def a_key_used_for_something_else(tale):
    tale.ask("ann", "hold A-1", key="k")
    tale.end(tale.begin("ann", "hold A-2", key="k"), refuse("key_reused"))


@legal
def two_users_with_the_same_key(tale):
    tale.ask("ann", "hold A-1", key="k")
    tale.ask("bob", "hold A-2", key="k")


@legal
def refused_without_having_looked(tale):
    for code in ("unavailable", "overloaded", "unauthenticated"):
        tale.end(tale.begin("ann", "hold A-1"), refuse(code))


@legal
def holds_that_run_out(tale):
    tale.ask("ann", "hold A-1")
    tale.tick(604)
    tale.ask("bob", "hold A-1")
    tale.tick(2)
    tale.ask("ann", "book h1")
    tale.ask("bob", "hold A-1")


@legal
def holds_kept_after_a_recovery(tale):
    tale.ask("ann", "hold A-1 ttl=1")
    tale.write(HoldsKept(tale.now_ms + 60_000))
    tale.tick(50)
    tale.ask("ann", "book h1")


@legal
def time_makes_it_too_late(tale):
    tale.ask("ann", "hold A-1")
    tale.tick(500)
    tale.ask("ann", "extend h1")
    tale.tick(590)
    tale.ask("ann", "hold A-2")
    tale.ask("ann", "extend h1")


@legal
def an_event_withdrawn(tale):
    tale.ask("ann", "hold A-1")
    tale.ask("org", "delete")
    tale.ask("ann", "book h1")


@legal
def orders_have_holds(tale):
    tale.ask("ann", "hold A-1 A-2 GA*3")
    tale.ask("for:ann", "pledge h1 order=o1 until=900", key="o:o1:pledge")
    tale.ask("for:ann", "pledge h1 order=o1 until=900", key="o:o1:later")
    tale.ask("ann", "release h1", key="o:o1:pledge")
    tale.ask("ann", "holding")
    tale.ask("for:ann", "pledge h1 order=o2 until=900")
    tale.tick(800)
    tale.ask("for:ann", "book h1 order=o1", key="o:o1:book")
    tale.ask("ann", "cancel b1")
    tale.ask("for:ann", "part b1 A-1 GA*1")
    tale.ask("ann", "holding")
    tale.ask("bob", "hold A-1")
    tale.ask("for:ann", "part b1")


@legal
def orders_give_holds_back(tale):
    tale.ask("ann", "hold A-1 A-2")
    tale.ask("for:ann", "pledge h1 order=o1 until=9")
    tale.ask("for:ann", "unpledge h1 order=o2")
    tale.ask("for:ann", "unpledge h1 order=o1")
    tale.ask("for:ann", "pledge h1 order=o2 until=9")
    tale.ask("for:ann", "unpledge h1 order=o2 release")
    tale.ask("ann", "holding")
    tale.ask("ann", "hold A-1")
    tale.ask("for:ann", "pledge h2 order=o3 until=9")
    tale.tick(15)
    tale.ask("ann", "holding")
    tale.ask("for:ann", "book h2 order=o3")


@legal
def nobody_knows_what_became_of_an_order(tale):
    tale.ask("ann", "hold A-1 A-2")
    tale.judge(tale.begin("for:ann", "pledge h1 order=o1 until=900", key="k1"))
    tale.begin("for:ann", "pledge h1 order=o1 until=900", key="k1")
    tale.judge(tale.begin("for:ann", "book h1 order=o1", key="k2"))
    tale.judge(tale.begin("for:ann", "part b1 A-1", key="k3"))
    tale.begin("for:ann", "part b1", key="k4")
    tale.ask("bob", "hold A-1")
    tale.ask("ann", "hold B-1")
    tale.ask("for:ann", "pledge h3 order=o2 until=900")
    tale.judge(tale.begin("for:ann", "unpledge h3 order=o2 release"))
    tale.ask("bob", "hold B-1")
