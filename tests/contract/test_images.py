"""Images of events, uploaded and shown."""

import asyncio
import io

import pytest
from PIL import Image

from tests.contract.client import WAIT_S, Answer, Api, Person, check_problem
from tests.pictures import bomb, picture

UNKNOWN = f"/v1/images/img_{'x' * 22}"


async def send(
    api: Api,
    event: str,
    data: bytes,
    who: Person | None = None,
    field: str = "image",
    key: str | None = None,
) -> Answer:
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return await api.request(
        "POST",
        f"/v1/events/{event}/image",
        data=head.encode() + data + b"\r\n--b--\r\n",
        who=who or api.admin,
        headers=headers,
    )


async def a_sale(api: Api) -> str:
    return await api.sale(None, capacity=5)


async def test_an_uploaded_image_is_shown_in_two_sizes(api):
    event = await a_sale(api)
    before = await api.event(event)
    answer = await send(api, event, picture("JPEG", (3_200, 2_000)))
    assert answer.status == 200, answer.raw
    image = answer.body["image"]
    assert (image["width"], image["height"]) == (1_600, 1_000)
    shown = await api.event(event)
    assert (shown["image"], shown["version"]) == (image, before["version"])
    for url, size in ((image["url"], (1_600, 1_000)), (image["small_url"], (480, 300))):
        file = await api.get(url)
        assert file.headers["content-type"] == "image/webp"
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        # A page of the shop may show it.
        assert file.headers["cross-origin-resource-policy"] == "cross-origin"
        with Image.open(io.BytesIO(file.raw)) as opened:
            assert (opened.format, opened.size) == ("WEBP", size)
        known = await api.get(url, if_none_match=file.headers["etag"])
        assert (known.status, known.raw) == (304, b"")
    listed = await api.good("GET", "/v1/events?sort=-created_at", who=api.admin)
    images = {item["id"]: item["image"] for item in listed["items"]}
    assert images[event] == image


async def gone(api: Api, url: str) -> None:
    """Wait until a file was removed, which takes a moment."""
    answer = await api.get(url)
    async with asyncio.timeout(WAIT_S):
        while answer.status == 200:
            await asyncio.sleep(0.05)
            answer = await api.get(url)
    assert check_problem(answer, 404)["code"] == "image_not_found"


async def take_down(api: Api, event: str) -> None:
    answer = await api.request("DELETE", f"/v1/events/{event}/image", who=api.admin)
    assert answer.status == 204
    assert (await api.event(event))["image"] is None


async def test_an_image_that_is_replaced_or_taken_down_is_gone(api):
    event = await a_sale(api)
    first = (await send(api, event, picture())).body["image"]
    second = (await send(api, event, picture("WEBP"))).body["image"]
    assert first["id"] != second["id"]
    await gone(api, first["url"])
    copy = await api.good("POST", f"/v1/events/{event}/duplicate", who=api.admin)
    assert copy["image"] == second
    await take_down(api, event)
    # The duplicate shows it still.
    assert (await api.get(second["small_url"])).status == 200
    await take_down(api, copy["id"])
    await take_down(api, event)
    await gone(api, second["url"])


async def test_the_image_of_an_event_goes_with_it(api):
    event = (await api.draft(None, capacity=5))["id"]
    image = (await send(api, event, picture())).body["image"]
    answer = await api.request("DELETE", f"/v1/events/{event}", who=api.admin)
    assert answer.status == 204
    await gone(api, image["url"])


async def test_an_upload_under_a_key_is_made_once(api):
    event = await a_sale(api)
    data = picture()
    first = await send(api, event, data, key="k-image")
    assert (await send(api, event, data, key="k-image")).body["image"] == (
        first.body["image"]
    )
    other = await send(api, event, picture("JPEG"), key="k-image")
    assert check_problem(other, 422)["code"] == "key_reused"
    elsewhere = await send(api, await a_sale(api), data, key="k-image")
    assert check_problem(elsewhere, 422)["code"] == "key_reused"


@pytest.mark.parametrize(
    ("data", "code", "status"),
    [
        (b"", "bad_image", 422),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "bad_image", 422),
        (picture("TIFF"), "bad_image", 422),
        (bomb(), "bad_image", 422),
        (bytes((5 << 20) + 1), "too_large", 413),
        (bytes(6 << 20), "too_large", 413),
    ],
)
async def test_what_is_no_image_is_refused(api, data, code, status):
    event = await a_sale(api)
    assert check_problem(await send(api, event, data), status)["code"] == code
    assert (await api.event(event))["image"] is None


PART = b'--b\r\nContent-Disposition: form-data; name="image"\r\n'


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("application/json", b"{}", "unsupported_media_type"),
        ("image/png", picture(), "unsupported_media_type"),
        ("multipart/form-data", b"x", "bad_frame"),
        ("multipart/form-data; boundary=b", b"x", "bad_frame"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", "bad_field"),
        ("multipart/form-data; boundary=b", PART + b"\r\nx\r\n", "bad_frame"),
        (
            "multipart/form-data; boundary=b",
            PART + b"Content-Length: 99\r\n\r\nx\r\n--b--\r\n",
            "bad_image",
        ),
        (
            "multipart/form-data; boundary=b",
            PART + b"X: " + b"x" * 40_000 + b"\r\n\r\nx\r\n--b--\r\n",
            "bad_frame",
        ),
        (
            "multipart/form-data; boundary=b",
            PART + b"\r\nx\r\n" + PART + b"\r\nx\r\n--b--\r\n",
            "bad_field",
        ),
    ],
)
async def test_what_is_no_form_is_refused(api, kind, body, code):
    answer = await api.request(
        "POST",
        f"/v1/events/{await a_sale(api)}/image",
        data=body,
        who=api.admin,
        headers={"Content-Type": kind},
    )
    assert check_problem(answer)["code"] == code


@pytest.mark.parametrize(("name", "told"), [("file", "file"), ("x" * 60, "else")])
async def test_another_field_is_refused_with_the_name_of_the_right_one(api, name, told):
    answer = await send(api, await a_sale(api), picture(), field=name)
    (error,) = check_problem(answer, 422)["errors"]
    assert error["field"] == "image"
    assert "called image" in error["detail"]
    assert told in error["detail"]


def captioned(caption: bytes) -> bytes:
    """The rest of a form behind its image: what is said of it."""
    head = b'\r\n--b\r\nContent-Disposition: form-data; name="caption"\r\n\r\n'
    return picture() + head + caption


async def test_who_uploaded_an_image_and_what_is_said_of_it_is_shown(api):
    event = await a_sale(api)
    caption = " Grüße <b>vom</b> Großen Haus "
    answer = await send(api, event, captioned(caption.encode()), key="k-caption")
    image = answer.body["image"]
    assert image["caption"] == caption.strip()
    me = await api.good("GET", "/v1/me", who=api.admin)
    assert image["uploaded_by"] == me["id"]
    assert image["uploaded_at"].startswith("20")
    assert (await api.event(event))["image"] == image
    again = await send(api, event, captioned(caption.encode()), key="k-caption")
    assert again.body["image"] == image
    other = await send(api, event, captioned(b"Another"), key="k-caption")
    assert check_problem(other, 422)["code"] == "key_reused"
    without = await send(api, event, picture())
    assert without.body["image"]["caption"] == ""


@pytest.mark.parametrize(
    "caption", [b"x" * 501, b"x" * 9_000, b"\xff", b"a\0b", b"a\x07b"], ids=range(5)
)
async def test_a_caption_that_is_none_is_refused(api, caption):
    event = await a_sale(api)
    answer = await send(api, event, captioned(caption))
    assert check_problem(answer, 422)["errors"][0]["field"] == "caption"
    assert (await api.event(event))["image"] is None


async def test_a_stranger_uploads_and_removes_nothing(api):
    event, stranger = await a_sale(api), await api.guest()
    upload = await send(api, event, picture(), stranger)
    path = f"/v1/events/{event}/image"
    removal = await api.request("DELETE", path, who=stranger)
    for answer in (upload, removal):
        assert check_problem(answer, 403)["code"] == "forbidden"


@pytest.mark.parametrize("name", ["img_1", "..%2f..%2fetc", "x" * 300, "%00"])
async def test_no_other_file_is_shown(api, name):
    answer = await api.get(f"/v1/images/{name}")
    assert check_problem(answer, 404)["code"] in ("image_not_found", "not_found")


async def test_an_unknown_image_or_size_is_told(api):
    assert check_problem(await api.get(UNKNOWN), 404)["code"] == "image_not_found"
    answer = await api.get(f"{UNKNOWN}?size=huge")
    assert check_problem(answer, 422)["errors"][0]["field"] == "size"
