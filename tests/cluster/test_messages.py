"""What processes tell each other arrives as it was said."""

import msgspec
import pytest

from inventory import commands, replies
from inventory.keys import OUTCOMES
from inventory.ports import BoardState, Expiry, Publication
from inventory.replies import refuse
from server.live.cluster import messages as m
from server.live.cluster.forwarder import _DECODERS
from tests.scenario import settings_of

STATE = BoardState("evt", "h", 3, 17, b"fhbx", [(1, 2, 3, 4)], settings_of())
PUBLICATION = Publication(
    "evt",
    "h",
    3,
    17,
    19,
    (0, 3),
    b"hb",
    {0: (1, 2, 3, 4)},
    settings_of(),
    [Expiry("ann", "token", ["A-1"], {"GA": 2})],
)
FORWARDED = m.Forwarded(
    7,
    "ann",
    False,
    120,
    b"hash",
    commands.Hold(id=3, event="evt", seats=["A-1"]),
    "the network",
)
REPLY = msgspec.Raw(msgspec.msgpack.encode(refuse("seat_not_free")))
MESSAGES = [
    m.Commands("a.0.1", [FORWARDED]),
    m.Answers([m.Answered(7, REPLY)], [8, 9]),
    m.WantState("a.0.1", ["evt", "other"]),
    m.State("a.0.1", STATE),
    m.Elsewhere("a.0.1", "evt"),
    m.Published(PUBLICATION),
    m.EventBeat("a.0.1", "evt", "h", 3, 17),
    m.Take(["evt"]),
    m.Handed("b.0.1", ["evt"]),
    m.Move("evt", "b.0.1"),
    m.Gone("a.0.1", ["evt"]),
    m.Parting("a.0.1"),
    m.Parted("a.0.1"),
    m.WantRates("a.0.1"),
    m.Rates([("evt", 12.5)]),
]


def test_every_message_is_among_those_tried():
    assert {type(one) for one in MESSAGES} == set(m.Message.__args__)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: type(one).__name__)
def test_a_message_arrives_as_it_was_said(message):
    assert m.decode(m.encode(message)) == message


def test_a_command_of_a_former_version_comes_from_no_network():
    known = msgspec.to_builtins(FORWARDED, builtin_types=(bytes,))[:-2]
    message = m.decode(m.encode(["commands", "a.0.1", [known]]))
    assert isinstance(message, m.Commands)
    (command,) = message.items
    assert command == msgspec.structs.replace(FORWARDED, origin=None)


def test_the_shop_is_the_shop_elsewhere_too():
    pledge = commands.Pledge(id=0, event="evt", hold="h", order="o", until_s=9)
    asked = msgspec.structs.replace(FORWARDED, command=pledge, system=True)
    assert m.decode(m.encode(m.Commands("a.0.1", [asked]))).items == [asked]


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x90", m.encode(["nothing"]), m.encode(["take", [7]])]
)
def test_what_is_none_is_refused(data):
    with pytest.raises(msgspec.DecodeError):
        m.decode(data)


def test_the_reply_of_every_command_that_is_forwarded_can_be_read():
    forwarded = {*OUTCOMES, commands.Holding, commands.Quote, commands.Blocked}
    assert set(_DECODERS) == forwarded
    for command in forwarded:
        refused = _DECODERS[command](REPLY)
        assert isinstance(refused, replies.Refused)
        assert refused.code == "seat_not_free"
