"""What no route takes: OPTIONS, and addresses with a slash too many."""

from yarl import URL

METHODS = {
    "/v1/events": "GET, HEAD, OPTIONS, POST",
    "/v1/events/evt_x": "DELETE, GET, HEAD, OPTIONS, PATCH",
    "/v1/auth/login": "OPTIONS, POST",
    "/v1/ws": "GET, HEAD, OPTIONS",
    # A template fits them, too, and lends them nothing.
    "/v1/attendees/cancel": "OPTIONS, POST",
    "/v1/venues/map-schema": "GET, HEAD, OPTIONS",
    "/health": "GET, HEAD, OPTIONS",
    "/": "GET, HEAD, OPTIONS",
}
# A request, and where it is led.
REDIRECTS = {
    ("GET", "/v1/events/"): "/v1/events",
    ("HEAD", "/v1/events/"): "/v1/events",
    ("GET", "/v1/events/?limit=2&q=a%20b"): "/v1/events?limit=2&q=a%20b",
    ("GET", "/v1/events/a%2Fb/map//"): "/v1/events/a%2Fb/map",
    ("POST", "/v1/auth/guest/"): "/v1/auth/guest",
    ("DELETE", "/v1/auth/guest/"): "/v1/auth/guest",
    ("OPTIONS", "/v1/events/"): "/v1/events",
    ("GET", "/docs/"): "/docs",
    ("GET", "/livez/"): "/livez",
}
NOWHERE = ("//", "//evil.tld/", "/nothing/", "//v1/events/", "/v1/", "/%2F/")


async def test_options_answers_with_the_methods_of_an_address(client):
    for path, methods in METHODS.items():
        answer = await client.send("OPTIONS", path)
        assert (answer.status, answer.body) == (204, b""), path
        assert answer.headers["Allow"] == methods, path
        assert answer.headers["X-Request-Id"], path


async def test_a_method_of_a_template_is_refused_at_an_address_of_its_own(admin):
    answer = await admin.send("DELETE", "/v1/attendees/cancel")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_options_of_nothing_is_not_found(client):
    assert (await client.send("OPTIONS", "/nothing")).status == 404


async def test_a_slash_too_many_redirects(client):
    for (method, path), location in REDIRECTS.items():
        async with client.session.request(
            method, client.url + path, allow_redirects=False
        ) as answer:
            assert answer.status == 308, (method, path)
            assert answer.headers["Location"] == location, (method, path)


async def test_what_redirects_is_done_with_its_body(admin):
    made = await admin.post("/v1/organisations/", {"name": "Slash"})
    assert (made.status, made.body["name"]) == (201, "Slash")


async def test_no_address_leads_to_one_that_is_not_served(client):
    for path in NOWHERE:
        url = URL(client.url + path, encoded=True)
        async with client.session.get(url, allow_redirects=False) as answer:
            assert answer.status == 404, path
