import re

from server.live.actors.origins import Origins
from server.transport.http.client_address import find_client, limit_key


def of(address: str, secret: bytes = b"a secret of the server's own") -> str:
    """What stands for the network of an address, as REST and sockets ask for it."""
    return Origins(secret).of(limit_key(find_client(address, ())))


def test_a_network_has_one_name_and_others_have_others():
    assert of("203.0.113.7") == of("203.0.113.200") == of("::ffff:203.0.113.9")
    assert of("203.0.113.7") != of("203.0.114.7")
    assert of("2001:db8:0:11::1") == of("2001:db8:0:ff:1:2:3:4")
    assert of("2001:db8:0:11::1") != of("2001:db8:0:100::1")
    assert of("unknown") != of("somewhere")


def test_the_name_says_nothing_without_the_secret():
    assert re.fullmatch("[0-9a-f]{16}", of("203.0.113.7"))
    assert of("203.0.113.7") != of("203.0.113.7", b"another secret")
    assert of("203.0.113.7") == of("203.0.113.7"), "or a restart would forget"
