"""Which origins are the server's own."""

import pytest

from server.transport.http.cors import own_origins


@pytest.mark.parametrize(
    ("host", "origins"),
    [
        ("onsale.test", {"http://onsale.test", "https://onsale.test"}),
        ("Onsale.test:443", {"http://onsale.test:443", "https://onsale.test"}),
        ("onsale.test:80", {"http://onsale.test", "https://onsale.test:80"}),
        ("[::1]:8080", {"http://[::1]:8080", "https://[::1]:8080"}),
    ],
)
def test_the_host_that_a_browser_names_is_the_servers_own(host, origins):
    assert own_origins(host, None) == origins


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://tickets.example/shop/", "https://tickets.example"),
        ("https://Tickets.example:443", "https://tickets.example"),
        ("http://tickets.example:8080/", "http://tickets.example:8080"),
        ("https://name:word@tickets.example", "https://tickets.example"),
    ],
)
def test_so_is_where_the_operator_says_that_the_pages_are(public_url, origin):
    """A proxy may not pass on the name by which it was asked."""
    assert own_origins("10.0.0.7:8080", public_url) == {
        "http://10.0.0.7:8080",
        "https://10.0.0.7:8080",
        origin,
    }
