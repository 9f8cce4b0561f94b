import pytest

from server.transport.mail.addresses import normal_email


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Olga@Example.ORG ", "olga@example.org"),
        ("o.l+g_a@example.org", "o.l+g_a@example.org"),
        ("olga@localhost", "olga@localhost"),
        ("jürgen@exämple.org", "jürgen@exämple.org"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ],
)
def test_an_address_is_written_in_one_way(text, email):
    assert normal_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "olga",
        "@example.org",
        "olga@",
        "ol ga@example.org",
        "olga@example..org",
        "olga@.org",
        "a@b@c",
        "olga@example.org\nBcc: all@example.org",
        "olga@example.org,eve@example.org",
        "Olga <olga@example.org>",
        "olga@exa\x00mple.org",
        "olga@exa\u200bmple.org",
        "x" * 65 + "@example.org",
        "olga@" + "x" * 64 + ".org",
        "olga@" + "x." * 130 + "org",
    ],
)
def test_what_can_be_no_address_is_refused(text):
    assert normal_email(text) is None
