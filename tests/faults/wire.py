"""As much of Postgres's protocol as it takes to find the answers to commits.

A connection begins with an untyped message of the client; from then on each message is
a type byte, a length and a body. Every Sync and every simple query is answered by
exactly one ReadyForQuery, in order, which is how an answer is matched with what was
asked.
"""

from collections import deque
from collections.abc import Iterator

COMMIT = b"commit_batches"
HEADER = 5
SSL_REQUEST = (80_877_103).to_bytes(4, "big")


class Frames:
    """Cuts a byte stream into messages; what is incomplete waits for the rest."""

    def __init__(self, *, untyped_first: bool) -> None:
        self._buffer = bytearray()
        self._untyped = untyped_first

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield each whole message, its header included."""
        self._buffer += data
        while True:
            skip = 0 if self._untyped else 1
            if len(self._buffer) < skip + 4:
                return
            size = skip + int.from_bytes(self._buffer[skip : skip + 4], "big")
            if len(self._buffer) < size:
                return
            message = bytes(self._buffer[:size])
            del self._buffer[:size]
            # A client that asks for TLS begins once more after the refusal.
            self._untyped = self._untyped and message[4:8] == SSL_REQUEST
            yield message


class Conversation:
    """Follows one connection: which question is a commit, which answer is its."""

    def __init__(self) -> None:
        self.asked = Frames(untyped_first=True)
        self.answered = Frames(untyped_first=False)
        self._commits: set[bytes] = set()
        self._committing = False
        self._owed: deque[bool] = deque()
        self._started = False

    def ask(self, message: bytes) -> bool:
        """Note a message of the client; return whether it binds a commit."""
        kind = message[:1]
        if not self._started:
            # The first message has no type; its ReadyForQuery ends the greeting.
            self._started = message[4:8] != SSL_REQUEST
            if self._started:
                self._owed.append(False)
            return False
        if kind == b"P":
            name, _, rest = message[HEADER:].partition(b"\0")
            self._commits.discard(name)
            if COMMIT in rest:
                self._commits.add(name)
        elif kind == b"B":
            _, _, rest = message[HEADER:].partition(b"\0")
            if rest.partition(b"\0")[0] in self._commits:
                self._committing = True
                return True
        elif kind == b"S":
            self._owed.append(self._committing)
            self._committing = False
        elif kind == b"Q":
            self._owed.append(False)
        return False

    @property
    def answering_commit(self) -> bool:
        """Whether the server's next messages are part of the answer to a commit."""
        return bool(self._owed) and self._owed[0]

    def answer(self, message: bytes) -> bool:
        """Note a message of the server; True for the ReadyForQuery of a commit."""
        if message[:1] != b"Z" or not self._owed:
            return False
        return self._owed.popleft()
