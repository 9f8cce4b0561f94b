"""Lies made by hand, each with a word of the sentence that must be said about it."""

from collections.abc import Callable

from msgspec.structs import replace

from inventory.changes import (
    HoldBooked,
    HoldExpired,
    PledgeEnded,
    SaleChanged,
    SeatsHeld,
)
from inventory.replies import BookOk, refuse
from inventory.settings import Money
from tests.checkers.legal import Story
from tests.checkers.tale import told

ILLEGAL: list[tuple[Story, str]] = []


def illegal(because: str) -> Callable[[Story], Story]:
    def note(story: Story) -> Story:
        ILLEGAL.append((story, because))
        return story

    return note


@illegal("is claimed by")
def lost_update(tale):
    tale.ask("ann", "hold A-1")
    # The journal has no trace of ann's release, and yet she was told so.
    release = tale.begin("ann", "release h1")
    reply = tale.ask("bob", "hold A-2").reply
    tale.end(release, replace(reply, version=2))


@illegal("not in the journal")
def an_accepted_hold_that_was_never_written(tale):
    tale.ask("ann", "hold A-1")
    tale.rewrite()


@illegal("told before")
def stale_read(tale):
    before = tale.judge(tale.begin("bob", "holding"))
    tale.ask("bob", "hold A-1")
    tale.end(tale.begin("bob", "holding"), before)


@illegal("told before")
def stale_refusal(tale):
    tale.ask("ann", "hold A-1")
    refused = tale.judge(tale.begin("bob", "hold A-1"))
    tale.ask("ann", "release h1")
    tale.end(tale.begin("bob", "hold A-1"), refused)


@illegal("told before")
def real_time_inversion_of_two_holds(tale):
    late = tale.begin("bob", "hold A-2")
    reply = tale.judge(late)
    tale.ask("ann", "hold A-1")
    late.called = tale.history.moment + 1
    tale.history.moment += 1
    tale.end(late, reply)


@illegal("told before")
def a_read_that_saw_a_change_before_it_was_asked(tale):
    writer = tale.begin("ann", "hold A-1")
    reply = tale.judge(writer)
    tale.ask("bob", "hold A-1")
    writer.called = tale.history.moment + 1
    tale.history.moment += 1
    tale.end(writer, reply)


@illegal("was told")
def dirty_read_of_an_aborted_hold(tale):
    ann = tale.begin("ann", "hold A-1")
    bob = tale.ask("bob", "hold A-2")
    # Version 1 was to be ann's hold, and it was aborted; bob was told of it.
    tale.end(ann, refuse("unavailable"))
    taken = replace(refuse("seat_not_free"), version=1, seats=["A-1"], alternatives=[])
    tale.end(tale.begin("cat", "hold A-1"), taken)
    assert bob.reply.version == 1


@illegal("not in the journal")
def a_refusal_released_before_its_commit(tale):
    tale.ask("ann", "hold A-1")
    tale.ask("bob", "hold A-1")
    tale.rewrite()
    del tale.history.operations[0]


@illegal("happened twice")
def double_effect_of_an_unknown(tale):
    lost = tale.begin("ann", "hold GA*1")
    tale.judge(lost)
    tale.judge(lost)


@illegal("happened twice")
def double_effect_of_an_unknown_key(tale):
    for _ in range(2):
        tale.judge(tale.begin("ann", "hold GA*1", key="k"))


@illegal("two effects")
def one_key_with_two_effects(tale):
    tale.ask("ann", "hold GA*1", key="k")
    tale.ask("ann", "hold GA*1", key="k")


@illegal("happened twice")
def a_retry_that_happened_again_behind_the_first_answer(tale):
    first = tale.ask("ann", "hold GA*1", key="k")
    again = tale.begin("ann", "hold GA*1", key="k")
    tale.judge(again)
    tale.end(again, first.reply)


@illegal("with the key of")
def a_key_answered_for_another_command(tale):
    first = tale.ask("ann", "hold A-1", key="k")
    tale.end(tale.begin("ann", "hold A-2", key="k"), first.reply)


@illegal("judged again")
def a_key_looked_up_after_the_rules(tale):
    tale.ask("ann", "hold A-1", key="k")
    tale.ask("ann", "hold A-1", key="k")


@illegal("never used otherwise")
def key_reused_for_a_key_that_was_not(tale):
    tale.ask("ann", "hold A-1", key="k")
    tale.end(tale.begin("ann", "hold A-1", key="k"), refuse("key_reused"))


@illegal("never used otherwise")
def key_reused_for_a_key_that_nobody_used(tale):
    tale.end(tale.begin("ann", "hold A-1", key="k"), refuse("key_reused"))


@illegal("was told")
def a_replay_that_says_something_else(tale):
    first = tale.ask("ann", "hold A-1", key="k")
    tale.end(tale.begin("ann", "hold A-1", key="k"), replace(first.reply, hold="h9"))


@illegal("was told")
def a_replay_that_promises_more_time(tale):
    first = tale.ask("ann", "hold A-1", key="k")
    more = replace(first.reply, expires_in_ms=first.reply.expires_in_ms + 1)
    tale.end(tale.begin("ann", "hold A-1", key="k"), more)


@illegal("seat 0 is h")
def double_sale(tale):
    tale.ask("ann", "hold A-1")
    tale.write(SeatsHeld("h2", "bob", (0,), {}, tale.now_ms + 600_000), apply=False)
    tale.begin("bob", "hold A-1")


@illegal("is claimed by")
def two_buyers_answered_with_one_change(tale):
    first = tale.ask("ann", "hold A-1")
    tale.end(tale.begin("bob", "hold A-1"), first.reply)


@illegal("too early")
def early_expiry(tale):
    tale.ask("ann", "hold A-1")
    tale.now_ms += 599_999
    tale.write(HoldExpired("h1"))


@illegal("Nobody asked")
def expiry_within_the_grace(tale):
    tale.ask("ann", "hold A-1")
    tale.now_ms += 604_999
    tale.write(HoldExpired("h1"))


@illegal("contradicts itself")
def booking_after_expiry(tale):
    tale.ask("ann", "hold A-1")
    tale.tick(700)
    tale.begin("ann", "book h1")
    tale.write(HoldBooked("h1", "b1", "R1", None), apply=False)


@illegal("was told")
def a_partial_hold(tale):
    hold = tale.ask("ann", "hold A-1 A-2")
    tale.rewrite(replace(tale.change(1), seats=[0]))
    told(hold, seats=["A-1"])
    told(hold, added=replace(hold.reply.added, seats=["A-1"]))
    tale.ask("ann", "holding")


@illegal("the rules say")
def one_more_than_a_user_may_have(tale):
    tale.ask("ann", "hold GA*10")
    hold = tale.begin("ann", "hold A-1")
    tale.write(SeatsHeld("h2", "ann", (0,), {}, tale.now_ms + 600_000))
    tale.end(hold, replace(tale.history.operations[0].reply, version=2))


@illegal("the rules say")
def one_more_than_a_network_may_hold(tale):
    tale.ask("org", "configure max_held_per_network=10")
    for user in ("ann", "bob", "cat"):
        tale.ask(user, "hold GA*3", origin="n1")
    hold = tale.begin("dan", "hold A-1 A-2", origin="n1")
    held = SeatsHeld("h4", "dan", (0, 1), {}, tale.now_ms + 600_000, None, "n1")
    tale.write(held)
    tale.end(hold, replace(tale.history.operations[1].reply, version=5))


@illegal("was told")
def refused_as_held_too_often_though_it_was_not(tale):
    tale.ask("ann", "hold A-1", origin="n1")
    refused = replace(refuse("held_too_often"), version=1, retry_after_ms=1_000)
    tale.end(tale.begin("ann", "hold A-2", origin="n1"), refused)


@illegal("the rules say")
def sold_while_paused(tale):
    tale.ask("ann", "hold A-1")
    tale.ask("org", "sale pause")
    hold = tale.begin("ann", "hold A-2")
    tale.write(SeatsHeld("h2", "ann", (1,), {}, tale.now_ms + 600_000))
    tale.end(hold, replace(tale.history.operations[0].reply, version=3))


@illegal("the rules say")
def a_stranger_books_a_hold(tale):
    tale.ask("ann", "hold A-1")
    stolen = tale.begin("bob", "book h1")
    stolen.user = "ann"
    reply = tale.judge(stolen)
    stolen.user = "bob"
    tale.end(stolen, reply)


@illegal("was told")
def answers_of_a_batch_in_the_wrong_order(tale):
    ann, bob = tale.begin("ann", "hold A-1"), tale.begin("bob", "hold A-2")
    of_ann, of_bob = tale.judge(ann), tale.judge(bob)
    tale.end(ann, replace(of_bob, version=1))
    tale.end(bob, replace(of_ann, version=2))


@illegal("Nobody asked")
def a_change_that_nobody_asked_for(tale):
    tale.write(SeatsHeld("h1", "ann", (0,), {}, tale.now_ms + 600_000))


@illegal("Nobody asked")
def a_change_of_a_command_refused_as_unavailable(tale):
    hold = tale.begin("ann", "hold A-1")
    tale.judge(hold)
    tale.end(hold, refuse("unavailable"))


@illegal("Nobody asked")
def an_unknown_that_happened_before_it_was_asked(tale):
    tale.write(SeatsHeld("h1", "ann", (0,), {}, tale.now_ms + 600_000))
    tale.ask("bob", "hold A-1")
    tale.begin("ann", "hold A-1")


@illegal("Nobody asked")
def a_sale_opened_before_its_time(tale):
    tale.ask("org", "sale pause")
    tale.write(SaleChanged("on_sale"))


@illegal("was told")
def a_refusal_for_another_reason(tale):
    tale.ask("ann", "hold A-1")
    refused = tale.ask("bob", "hold A-1")
    told(refused, seats=["A-2"])


@illegal("was told")
def alternatives_that_are_not_free(tale):
    for _ in range(3):
        tale.ask("ann", "hold A-1")
        told(tale.ask("bob", "hold A-1"), alternatives=[["A-1"]])


@illegal("was told")
def refused_what_was_free(tale):
    tale.ask("ann", "hold A-1")
    refused = tale.ask("bob", "hold A-1")
    tale.ask("ann", "release h1")
    tale.end(tale.begin("bob", "hold A-1"), replace(refused.reply, version=2))


@illegal("was told")
def a_wrong_price(tale):
    hold = tale.ask("ann", "hold A-1")
    told(hold, total=replace(hold.reply.total, amount=1))


@illegal("was told")
def a_wrong_deadline(tale):
    told(tale.ask("ann", "hold A-1"), expires_at="2030-01-01T00:00:00.000Z")


@illegal("was told")
def holds_of_somebody_else(tale):
    tale.ask("ann", "hold A-1")
    seen = tale.judge(tale.begin("ann", "holding"))
    tale.end(tale.begin("bob", "holding"), seen)


@illegal("was told")
def refused_as_too_late_before_it_was(tale):
    tale.ask("ann", "hold A-1")
    tale.ask("ann", "book h1")
    late = replace(refuse("cancel_too_late"), version=2)
    tale.end(tale.begin("ann", "cancel b1"), late)


@illegal("without a version")
def a_refusal_that_names_no_version(tale):
    tale.end(tale.begin("ann", "hold Z-1"), refuse("seat_not_found"))


@illegal("goes from")
def a_hole_in_the_journal(tale):
    tale.ask("ann", "hold A-1")
    tale.ask("ann", "hold A-2")
    del tale.rows[0]


@illegal("chain or time")
def a_body_exchanged(tale):
    tale.ask("ann", "hold A-1")
    tale.ask("ann", "hold A-2")
    tale.rows[0] = replace(tale.rows[0], body=tale.rows[1].body)


@illegal("the rules say")
def a_buyer_books_what_an_order_has(tale):
    tale.ask("ann", "hold A-1")
    tale.ask("for:ann", "pledge h1 order=o1 until=900")
    book = tale.begin("ann", "book h1 order=o1")
    tale.write(HoldBooked("h1", "b1", "R1", "o1"), apply=False)
    reply = BookOk(
        version=3,
        booking="b1",
        reference="R1",
        seats=["A-1"],
        areas={},
        total=Money(4_500, "EUR"),
    )
    tale.end(book, reply)


@illegal("Nobody asked for")
def an_order_gives_back_by_itself(tale):
    tale.ask("ann", "hold A-1")
    tale.ask("for:ann", "pledge h1 order=o1 until=900")
    tale.write(PledgeEnded("h1", tale.now_ms + 60_000))


@illegal("ms too early")
def a_pledge_ends_before_its_time(tale):
    tale.ask("ann", "hold A-1")
    tale.ask("for:ann", "pledge h1 order=o1 until=900")
    tale.write(HoldExpired("h1"))
