from typing import get_args

import pytest

from server.base.networks import ProxyHeader, parse_networks
from server.transport.http.client_address import came_by_https, find_client, limit_key

TRUSTED = parse_networks(["10.0.0.0/8", "fd00::1"])
SINGLE = ("X-Real-IP", "CF-Connecting-IP")


def test_headers_of_a_peer_that_nobody_trusts_are_ignored():
    for header in get_args(ProxyHeader):
        line = "for=198.51.100.1" if header == "Forwarded" else "198.51.100.1"
        assert find_client("203.0.113.9", TRUSTED, header, [line]) == "203.0.113.9"


def test_without_trusted_proxies_the_peer_is_the_client():
    assert find_client("10.0.0.1", (), lines=["198.51.100.2"]) == "10.0.0.1"


@pytest.mark.parametrize("header", ["X-Forwarded-For", *SINGLE])
def test_a_trusted_proxy_names_the_client(header):
    assert find_client("10.0.0.1", TRUSTED, header, ["198.51.100.2"]) == "198.51.100.2"
    for told in ("198.51.100.2:4711", "[2001:db8::7]:4711", "[2001:db8::7]"):
        found = find_client("10.0.0.1", TRUSTED, header, [told])
        assert found in ("198.51.100.2", "2001:db8::7")


def test_what_the_client_itself_put_in_front_does_not_count():
    lines = ["1.1.1.1, 198.51.100.2", "10.0.0.2"]
    assert find_client("10.0.0.1", TRUSTED, lines=lines) == "198.51.100.2"


@pytest.mark.parametrize("proxies", range(4))
@pytest.mark.parametrize("apart", [True, False])
def test_behind_any_number_of_proxies_a_claim_of_the_client_is_none(proxies, apart):
    chain = ["1.1.1.1", "198.51.100.2", *(f"10.0.0.{n}" for n in range(proxies))]
    lines = chain if apart else [", ".join(chain)]
    assert find_client("10.0.0.9", TRUSTED, lines=lines) == "198.51.100.2"
    told = [f"for={hop}" for hop in chain]
    lines = told if apart else [", ".join(told)]
    assert find_client("10.0.0.9", TRUSTED, "Forwarded", lines) == "198.51.100.2"


@pytest.mark.parametrize("header", SINGLE)
def test_of_a_header_with_one_address_the_last_counts_and_nothing_before_it(header):
    for lines in (["1.1.1.1", "198.51.100.2"], ["1.1.1.1, 198.51.100.2"]):
        assert find_client("10.0.0.1", TRUSTED, header, lines) == "198.51.100.2"
    # Also where that is a trusted one: nobody added to what a client wrote.
    assert find_client("10.0.0.1", TRUSTED, header, ["1.1.1.1, 10.0.0.3"]) == "10.0.0.3"


@pytest.mark.parametrize(
    "line",
    [
        "for=198.51.100.2",
        "For=198.51.100.2:4711;proto=https;by=10.0.0.1",
        'for="198.51.100.2:4711"',
        "for=1.1.1.1, proto=http;for=198.51.100.2",
        'for=198.51.100.2;host="a, for=1.1.1.1"',
        r'for=198.51.100.2;host="a\", for=1.1.1.1"',
        'host="for=1.1.1.1;for=2.2.2.2";for=198.51.100.2',
    ],
)
def test_the_standard_header_is_read(line):
    assert find_client("10.0.0.1", TRUSTED, "Forwarded", [line]) == "198.51.100.2"


def test_an_ipv6_client_is_read_from_brackets():
    line = 'for="[2001:db8::7]:4711"'
    assert find_client("fd00::1", TRUSTED, "Forwarded", [line]) == "2001:db8::7"


@pytest.mark.parametrize(
    "claim",
    [
        'for=9.9.9.9, for="x',
        'for="9.9.9.9',
        r'for="9.9.9.9\"',
        'for=9.9.9.9, host="',
        "for=9.9.9.9;",
        "for=9.9.9.9;host=",
        '"',
        "",
    ],
)
def test_a_claim_that_is_never_closed_takes_in_nothing_that_a_proxy_adds(claim):
    """Our proxy adds to the line that it got, or a line of its own."""
    for added in ("for=198.51.100.2", 'for="198.51.100.2:4711";host="a"'):
        for lines in ([f"{claim}, {added}"], [claim, added]):
            found = find_client("10.0.0.1", TRUSTED, "Forwarded", lines)
            assert found in ("198.51.100.2", "10.0.0.1"), lines


@pytest.mark.parametrize("line", ["for=198.51.100.2;host=a;for=1.1.1.1", "host=a"])
def test_who_is_named_twice_or_never_is_nobody(line):
    assert find_client("10.0.0.1", TRUSTED, "Forwarded", [line]) == "10.0.0.1"


@pytest.mark.parametrize(
    "hop",
    ["unknown", "_hidden", "", "999.1.1.1", "a" * 10_000, "fe80::1%eth0", "1.1.1.1 x"],
)
def test_behind_something_unreadable_nothing_is_believed(hop):
    lines = [f"1.1.1.1, {hop}"]
    assert find_client("10.0.0.1", TRUSTED, lines=lines) == "10.0.0.1"
    lines = [f'for=1.1.1.1, for="{hop}"']
    assert find_client("10.0.0.1", TRUSTED, "Forwarded", lines) == "10.0.0.1"


def test_a_chain_of_trusted_proxies_alone_ends_at_its_first():
    lines = ["10.0.0.3, 10.0.0.2"]
    assert find_client("10.0.0.1", TRUSTED, lines=lines) == "10.0.0.3"


def test_an_endless_chain_is_cut():
    chain = ["8.8.8.8, " + ", ".join(["10.0.0.2"] * 1000)]
    assert find_client("10.0.0.1", TRUSTED, lines=chain) == "10.0.0.2"


def test_a_mapped_address_is_the_address_itself():
    lines = ["::ffff:9.9.9.9"]
    assert find_client("::ffff:10.0.0.1", TRUSTED, lines=lines) == "9.9.9.9"


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
    ("peer", "proto", "by_https"),
    [
        ("10.0.0.1", ["https"], True),
        ("10.0.0.1", ["http", "HTTPS"], True),
        ("10.0.0.1", ["https, http"], False),
        ("10.0.0.1", ["https", "http"], False),
        ("10.0.0.1", ["http"], False),
        ("10.0.0.1", [], False),
        ("203.0.113.9", ["https"], False),
        (None, ["https"], False),
    ],
)
@pytest.mark.parametrize("header", ["X-Forwarded-For", *SINGLE])
def test_only_a_trusted_proxy_says_that_a_client_came_by_tls(
    peer, proto, by_https, header
):
    lines = ["198.51.100.2"]
    assert came_by_https(peer, TRUSTED, header, lines, proto) is by_https
    assert not came_by_https(peer, (), header, lines, proto)


@pytest.mark.parametrize(
    ("peer", "line", "by_https"),
    [
        ("10.0.0.1", "for=1.2.3.4;proto=https", True),
        ("10.0.0.1", 'for=1.2.3.4; Proto="https"; by=10.0.0.1', True),
        ("10.0.0.1", "for=1.2.3.4;proto=https, for=10.0.0.2;proto=http", True),
        ("10.0.0.1", "for=_hidden;proto=https", True),
        ("10.0.0.1", "for=1.1.1.1;proto=https, for=1.2.3.4;proto=http", False),
        ("10.0.0.1", "for=1.2.3.4;host=proto.https", False),
        ("10.0.0.1", "for=1.2.3.4;proto=http;proto=https", False),
        ("203.0.113.9", "for=1.2.3.4;proto=https", False),
    ],
)
def test_the_standard_header_tells_it_beside_the_client(peer, line, by_https):
    # The other header is one that nobody looks at.
    for proto in ([], ["https"], ["http"]):
        said = came_by_https(peer, TRUSTED, "Forwarded", [line], proto)
        assert said is by_https
