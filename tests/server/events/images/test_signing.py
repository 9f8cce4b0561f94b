"""Signatures against the examples that the protocol's description computes."""

from datetime import UTC, datetime

from server.events.images.signing import Credentials, quote_path, signed_headers

WHO = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST = "examplebucket.s3.amazonaws.com"
NOW = datetime(2013, 5, 24, tzinfo=UTC)


def signature(method, path, body, headers):
    signed = signed_headers(
        method, HOST, path, body, WHO, region="us-east-1", now=NOW, headers=headers
    )
    return signed["Authorization"]


def test_the_example_of_a_get_is_signed_as_described():
    told = signature("GET", "/test.txt", b"", {"Range": "bytes=0-9"})
    assert told == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
        "aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_the_example_of_a_put_is_signed_as_described():
    headers = {
        "Date": "Fri, 24 May 2013 00:00:00 GMT",
        "X-Amz-Storage-Class": "REDUCED_REDUNDANCY",
    }
    body = b"Welcome to Amazon S3."
    told = signature("PUT", "/test$file.text", body, headers)
    assert told.endswith(
        "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    )


def test_a_token_of_a_session_is_sent_and_signed():
    who = Credentials("id", "secret", "token")
    signed = signed_headers("GET", HOST, "/a", b"", who, region="r", now=NOW)
    assert signed["X-Amz-Security-Token"] == "token"
    assert "x-amz-security-token" in signed["Authorization"]


def test_a_path_is_quoted_once():
    assert quote_path("/a b/ü$-_.~") == "/a%20b/%C3%BC%24-_.~"
