from typing import cast

from server.people.auth.revocations import (
    SUBJECTS_MAX,
    TOPIC,
    SignedOut,
    encode,
    tell_others,
)
from server.people.auth.sessions import SignIns
from server.transport.bus.bus import Bus


class Ears:
    """Stands where sign-ins stand, and notes what they are told."""

    def __init__(self):
        self.heard_of = []
        self.sockets = None
        self.looked = 0

    def heard(self, user, subjects, sockets):
        self.heard_of.append((user, subjects))
        self.sockets = sockets

    def heard_left(self, guest):
        self.heard_of.append(guest)

    def look_soon(self):
        self.looked += 1


class Wire:
    """A bus on which everything said is heard by its sender."""

    def __init__(self):
        self.status = "ok"

    def publish(self, topic, data, on_sent=None):
        assert topic == TOPIC
        self.handler(data)
        return True

    def subscribe(self, topic, handler, on_gap):
        assert topic == TOPIC
        self.handler, self.on_gap = handler, on_gap

    def unsubscribe(self, topic):
        raise AssertionError(topic)


def connected():
    ears, wire = Ears(), Wire()
    tell_others(cast(SignIns, ears), cast(Bus, wire))
    return ears, wire


def test_what_is_told_is_heard_in_messages_of_bounded_length():
    ears, _ = connected()
    subjects = [f"ses_{n}" for n in range(SUBJECTS_MAX + 1)]
    ears.tell("usr_1", subjects, False)
    assert ears.sockets is False
    ears.heard_of.clear()
    ears.tell("usr_1", subjects, True)
    assert ears.sockets is True
    assert [len(some) for _, some in ears.heard_of] == [SUBJECTS_MAX, 1]
    assert [one for _, some in ears.heard_of for one in some] == subjects
    longest = SignedOut("u" * 64, ["s" * 64] * SUBJECTS_MAX, True)
    assert len(encode(longest)) < 8_192


def test_where_something_may_have_been_missed_the_database_is_asked():
    ears, wire = connected()
    wire.on_gap()
    wire.handler(b"\xc1")
    assert ears.looked == 2
    assert ears.heard_of == []


def test_a_guest_who_is_somebody_else_now_is_told_of_by_itself():
    ears, _ = connected()
    ears.tell_left("usr_guest")
    assert (ears.heard_of, ears.looked) == (["usr_guest"], 0)
