import pytest

from server.base.networks import parse_networks
from server.transport.http.client_address import came_by_https, find_client, limit_key

TRUSTED = parse_networks(["10.0.0.0/8", "fd00::1"])


def test_headers_of_a_peer_that_nobody_trusts_are_ignored():
    found = find_client("203.0.113.9", TRUSTED, ["for=198.51.100.1"], ["198.51.100.2"])
    assert found == "203.0.113.9"


def test_without_trusted_proxies_the_peer_is_the_client():
    assert find_client("10.0.0.1", (), [], ["198.51.100.2"]) == "10.0.0.1"


def test_a_trusted_proxy_names_the_client():
    assert find_client("10.0.0.1", TRUSTED, [], ["198.51.100.2"]) == "198.51.100.2"


def test_what_the_client_itself_put_in_front_does_not_count():
    lines = ["1.1.1.1, 198.51.100.2", "10.0.0.2"]
    assert find_client("10.0.0.1", TRUSTED, [], lines) == "198.51.100.2"


@pytest.mark.parametrize(
    "line",
    [
        "for=198.51.100.2",
        "For=198.51.100.2:4711;proto=https;by=10.0.0.1",
        'for="198.51.100.2:4711"',
        "for=1.1.1.1, proto=http;for=198.51.100.2",
    ],
)
def test_the_standard_header_is_read(line):
    assert find_client("10.0.0.1", TRUSTED, [line], ["9.9.9.9"]) == "198.51.100.2"


def test_an_ipv6_client_is_read_from_brackets():
    line = 'for="[2001:db8::7]:4711"'
    assert find_client("fd00::1", TRUSTED, [line], []) == "2001:db8::7"


@pytest.mark.parametrize("hop", ["unknown", "_hidden", "", "999.1.1.1", "a" * 10_000])
def test_behind_something_unreadable_nothing_is_believed(hop):
    lines = [f"1.1.1.1, {hop}"]
    assert find_client("10.0.0.1", TRUSTED, [], lines) == "10.0.0.1"


def test_a_chain_of_trusted_proxies_alone_ends_at_its_first():
    assert find_client("10.0.0.1", TRUSTED, [], ["10.0.0.3, 10.0.0.2"]) == "10.0.0.3"


def test_an_endless_chain_is_cut():
    chain = ["8.8.8.8, " + ", ".join(["10.0.0.2"] * 1000)]
    assert find_client("10.0.0.1", TRUSTED, [], chain) == "10.0.0.2"


def test_a_mapped_address_is_the_address_itself():
    assert find_client("::ffff:10.0.0.1", TRUSTED, [], ["::ffff:9.9.9.9"]) == "9.9.9.9"


def test_a_peer_without_an_address_is_still_somebody():
    assert find_client(None, TRUSTED) == "unknown"
    assert find_client("/run/onsale.sock", TRUSTED) == "/run/onsale.sock"


def test_one_subscriber_cannot_pose_as_many_by_its_ipv6_network():
    assert limit_key("2001:db8::1") == limit_key("2001:db8::ffff:1")
    assert limit_key("2001:db8::1") != limit_key("2001:db8:0:1::1")
    assert limit_key("9.9.9.9") == "9.9.9.9"


def test_a_trusted_name_that_is_no_address_is_refused_at_start():
    with pytest.raises(ValueError):
        parse_networks(["proxy.example"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "proto", "by_https"),
    [
        ("10.0.0.1", [], ["https"], True),
        ("10.0.0.1", [], ["HTTPS, http"], True),
        ("10.0.0.1", [], ["http"], False),
        ("10.0.0.1", [], [], False),
        ("10.0.0.1", ["for=1.2.3.4;proto=https"], [], True),
        ("10.0.0.1", ['for=1.2.3.4; Proto="https"; by=10.0.0.1'], ["http"], True),
        ("10.0.0.1", ["for=1.2.3.4;proto=http"], ["https"], False),
        ("10.0.0.1", ["for=1.2.3.4;host=proto.https"], [], False),
        ("203.0.113.9", ["proto=https"], ["https"], False),
        (None, [], ["https"], False),
    ],
)
def test_only_a_trusted_proxy_says_that_a_client_came_by_tls(
    peer, forwarded, proto, by_https
):
    assert came_by_https(peer, TRUSTED, forwarded, proto) is by_https
    assert not came_by_https(peer, (), forwarded, proto)
