"""Which answer is a commit's, as the proxy sees it."""

from tests.faults.wire import SSL_REQUEST, Conversation, Frames

STARTUP = b"\0\0\0\x08\0\x03\0\0"


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + (4 + len(body)).to_bytes(4, "big") + body


READY = message(b"Z", b"I")


def told(talk: Conversation, data: bytes) -> list[bool]:
    return [talk.answer(part) for part in talk.answered.feed(data)]


def ask(talk: Conversation, data: bytes) -> list[bool]:
    return [talk.ask(part) for part in talk.asked.feed(data)]


def test_messages_are_found_however_the_stream_is_cut():
    stream = STARTUP + message(b"Q", b"SELECT 1\0") + message(b"S")
    frames = Frames(untyped_first=True)
    found = [part for at in range(len(stream)) for part in frames.feed(stream[at:][:1])]
    assert found == [STARTUP, message(b"Q", b"SELECT 1\0"), message(b"S")]


def test_the_first_message_after_a_refused_tls_is_untyped_too():
    frames = Frames(untyped_first=True)
    request = b"\0\0\0\x08" + SSL_REQUEST
    assert list(frames.feed(request + STARTUP + message(b"S"))) == [
        request,
        STARTUP,
        message(b"S"),
    ]


def test_only_the_answer_to_a_bound_commit_is_a_commits():
    talk = Conversation()
    ask(talk, STARTUP)
    assert told(talk, READY) == [False]
    ask(talk, message(b"P", b"one\0SELECT * FROM commit_batches($1)\0\0\0"))
    ask(talk, message(b"P", b"two\0SELECT 1\0\0\0") + message(b"S"))
    assert told(talk, READY) == [False]
    assert ask(talk, message(b"B", b"\0two\0") + message(b"S")) == [False, False]
    assert ask(talk, message(b"B", b"\0one\0") + message(b"S")) == [True, False]
    assert not talk.answering_commit
    assert told(talk, READY) == [False]
    assert talk.answering_commit
    assert told(talk, message(b"2") + READY) == [False, True]
    assert not talk.answering_commit


def test_a_name_that_was_prepared_anew_is_no_commit_any_more():
    talk = Conversation()
    ask(talk, STARTUP)
    told(talk, READY)
    ask(talk, message(b"P", b"one\0SELECT * FROM commit_batches($1)\0\0\0"))
    ask(talk, message(b"P", b"one\0SELECT 1\0\0\0"))
    assert ask(talk, message(b"B", b"\0one\0")) == [False]
