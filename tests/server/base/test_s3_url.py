import pytest

from server.base.s3_url import S3Url, parse_s3_url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (
            "s3://shop",
            S3Url("https://s3.us-east-1.amazonaws.com", "shop", "", "us-east-1"),
        ),
        (
            "s3://shop/a/b/?region=eu-west-1",
            S3Url("https://s3.eu-west-1.amazonaws.com", "shop", "a/b", "eu-west-1"),
        ),
        (
            "s3://shop?endpoint=http://127.0.0.1:9000/",
            S3Url("http://127.0.0.1:9000", "shop", "", "us-east-1"),
        ),
    ],
)
def test_a_store_is_named_by_its_url(url, place):
    assert parse_s3_url(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop",
        "http://shop",
        "s3://",
        "s3://key:secret@shop",
        "s3://shop?color=red",
        "s3://shop?endpoint=ftp://x",
        "s3://shop?endpoint=http://",
        "s3://shop?endpoint=http://x/path",
        "s3://shop?endpoint",
    ],
)
def test_what_names_no_store_is_refused(url):
    with pytest.raises(ValueError):
        parse_s3_url(url)
