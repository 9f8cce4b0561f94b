"""What the gateway keeps, on a clock of its own."""

from msgspec.structs import replace

from persistence.shop.payments.gateway_file import GatewayFile
from server.shop.payments.gateway.book import Book
from server.shop.payments.gateway.wire import Behaviour
from tests.server.shop.payments.gateway import test_machine

ASK = replace(test_machine.ASK, expires_at_ms=9_000)


def test_what_falls_due_while_it_is_looked_is_due_next(tmp_path):
    """It was waited for the next thing after it, up to a minute: a webhook so late."""
    clock = [1_000]
    book = Book(GatewayFile(tmp_path / "g.sqlite"), "http://gateway", lambda: clock[0])
    session = book.open(ASK)
    book.treat(session.id, Behaviour(delay_ms=500))
    book.choose(session.id, "pay")
    clock[0] = 1_499
    passed_ms = book.pass_time()
    assert book.show(session.id).state == "processing"
    clock[0] = 1_501
    assert book.next_due_ms(passed_ms) == 1_500
    passed_ms = book.pass_time()
    assert book.show(session.id).state == "captured"
    # Its webhooks are due, and are being sent: nothing else is to come.
    assert book.next_due_ms(passed_ms) is None
