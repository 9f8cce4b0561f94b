"""Where hooks may lead, by the spelling of a URL and by what a name stands for."""

from ipaddress import ip_address

import pytest

from server.people.hooks.addresses import (
    Forbidden,
    PublicResolver,
    check_host,
    fault_of,
    is_public,
)

PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.192",
    "168.63.129.16",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
]
PUBLIC = [
    "93.184.215.14",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "64:ff9b::101:101",
    "::ffff:1.1.1.1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_hook_leads_to_a_private_address(address):
    assert not is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    assert fault_of(f"https://{host}/x", private=False) is not None
    with pytest.raises(Forbidden):
        check_host(f"https://{host}/x")


@pytest.mark.parametrize("address", PUBLIC)
def test_hooks_lead_to_public_addresses(address):
    assert is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    assert fault_of(f"https://{host}/x", private=False) is None
    check_host(f"https://{host}/x")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/x",
        "ftp://hooks.example.org/x",
        "file:///etc/passwd",
        "gopher://hooks.example.org:6379/_x",
        "https://",
        "https:///x",
        "https://user:secret@hooks.example.org/",
        "https://hooks.example.org@127.0.0.1/",
        "https://hooks.example.org/#x",
        "https://hooks.example.org:0/",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org/a b",
        "https://hooks.example.org/\r\nX: y",
        "https://[::1",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://db.localhost/",
        "https://metadata.google.internal/",
        "//hooks.example.org/x",
        "hooks.example.org",
    ],
)
def test_what_no_hook_is(url):
    assert fault_of(url, private=False) is not None


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1"]
)
async def test_another_spelling_is_resolved_and_refused(host):
    """As the resolver of this machine reads it, which other spellings reach."""
    with pytest.raises(Forbidden):
        await PublicResolver().resolve(host, 443)


def test_for_tests_anything_of_http_goes():
    assert fault_of("http://127.0.0.1:8080/x", private=True) is None
    assert fault_of("ftp://127.0.0.1/x", private=True) is not None
