"""OpenAPI 3.1, made from the table of routes and the types it names."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from server import __version__
from server.base.access import ROLES
from server.base.refusals.refusals import ProblemType
from server.ops.api import guide
from server.ops.api.links import MADE, Links
from server.ops.api.schemas import Schema, components, without_event
from server.transport.capability.capability import Capability, routes_of
from server.transport.http import problems
from server.transport.http.problems import CONTENT_TYPE, INTERNAL, RATE_LIMITED, Problem
from server.transport.ratelimit import request_limits
from server.transport.rest.examples import Examples, PathParameter, Several, merged
from server.transport.rest.route import PARAMETER, Query, Route

DESCRIPTION: Final = f"""\
Sells seats when everyone comes at once. Commands of buyers go over the websocket
`/v1/ws` (described in `/asyncapi.json`) or, one at a time, over REST.

Guests have one token, good for seven days. Whoever registers or logs in gets an access
token for a quarter of an hour and a refresh token that is good once. Shown again within
30 seconds, as by two tabs or a client that lost the answer, it gets the same next one,
until that is used; shown later it ends its session. An open websocket goes on with a
new access token in another `hello`. Who becomes somebody else loses the sockets that
were opened before: with 4001, within five seconds. That is a guest who registers or
logs in, and whose session ends, by logging out, a new password or role, suspension or
deletion; and who is removed from an organisation those that follow a draft. Passwords
have 8 to 1024 characters of any kind, and are none of the commonest. Logging in and
forgetting a password tell nobody who has an account; registering does (`email_taken`),
because its answer is a session, and is limited for that.

An event may belong to an organisation: then its owners and leaders manage it, its staff
read its drafts and bookings, and organisers who do not belong to it are strangers. One
without an organisation belongs to the organiser who made it. To all others a draft is
not there (`event_not_found`). Where something is `forbidden`, `detail` says what is
missing: the role, the scope, or the role in the organisation. Who is removed from an
organisation has no rights with the next request, and on an open websocket within 60
seconds, mostly at once. Machines of an organisation send an `X-API-Key` and no
access token; each operation names the scope that a key needs.

Numbers are strict: `2.0` and `"2"` are not the integer `2`. Unknown fields and query
parameters are refused (`bad_field`), as is one given twice. Lists take `limit` and
`cursor`, and `count=true` for the `total` of all pages. Times are RFC 3339 with an
offset and answered in UTC; money is an integer in the minor unit of its currency, by
the exponent of ISO 4217: 4500 is 45.00 EUR, 4500 JPY or 4.500 KWD.
Every error is a problem document (RFC 9457) whose `code` is stable; where `transient`
is true, the same request may succeed later. A write with an `Idempotency-Key` has at
most one effect. To do again what is done already (to publish, pause, cancel, accept,
decline) is answered with 200 and the same document.

An `ETag` is `"REVISION-DIGEST"`: the digest is of what is shown, the revision counts
the changes of what may be edited, and does not move because something is sold. Send
the tag that was read, weak or strong, as `If-Match` with a `PATCH` or `DELETE`: where
it was edited since then, nothing is done (412, `precondition_failed`). The answer to a
`PATCH` has the next tag. An image is part of its event, and has that one's.

Requests are limited: `429` says in `Retry-After` when to come again,
and `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds) tell where
one stands. Unless the server is set otherwise, one may send in any 15 minutes
{request_limits.PUBLIC_MAX} requests from an address, its guests' among them,
{request_limits.SIGNED_IN_MAX} as somebody who is signed in,
{request_limits.ADMIN_MAX:,} as an administrator or a machine, and
{request_limits.COMMANDS_MAX:,} commands besides, where the guests of an address have
theirs together; to show an event, its map or its
availability costs a tenth of a request. A client on the server's own machine has no
such budget.

What the catalogue tells of an event (description, category, tags, image) may be
changed at any time and is no change of the event: its version stays. A sale opens at
`on_sale_at` and closes at `off_sale_at` by itself, and the event is completed at
`completes_at`: at its end, or a day after it began. In a venue that is `exclusive` no
two published events overlap (`venue_taken`); one without an end takes three hours, and
a draft none. Only whom the venue's owner allows plans there (`planners`). Images
are kept in two sizes with nothing but their pixels, in sRGB; whoever knows the address
of one may see it. `registrations` in a list, and its order by them, are a few seconds
old.

An event with just a capacity may have `registration` `open`: then whoever has a token
registers an address and a name, once for each address (`already_registered` tells that
somebody did), and gets a place at once or none. The code in the mail cancels it, as do
who registered and who manages the event. What may have happened and is not certain yet
is `pending`, and goes on by itself within a minute.

Analytics count what was committed, beside the sale, mostly within seconds: `as_of` says
up to when. `revenue` is what was booked, before what was `refunded`; a trend leaves out
minutes and days in which nothing happened; days are those of UTC.

Every call that writes, or takes a table away, is kept for a while (400 days by
default), refused ones and sign-ins among them: who, when, which route, about what, from
which network, how it ended. Never what was in its body. Administrators list all of it
at `/v1/activity`, and everybody their own at `/v1/me/activity`, a moment after the
answer. A server process that is killed loses the records of its last moment; one that
is stopped loses none.
"""

LIMITED: Final[Schema] = {
    name: {"schema": {"type": "integer", "minimum": least}, "description": meaning}
    for name, least, meaning in (
        ("Retry-After", 1, "Seconds until a request would be let through."),
        ("RateLimit-Limit", 1, "How many requests one may send, or at once."),
        ("RateLimit-Remaining", 0, "How many of them are left."),
        ("RateLimit-Reset", 0, "Seconds until all of them are there again."),
    )
}
"""What `429` tells in its head. Ordinary answers tell the same, but for the first."""

LOCATION: Final[Schema] = {
    "required": True,
    "schema": {"type": "string", "format": "uri-reference"},
    "description": "Where it is shown.",
}
CONDITIONAL: Final = ("PATCH", "PUT", "DELETE")
"""The methods that honour `If-Match`."""

GUESTS: Final = ROLES["buyer"]
ALWAYS: Final = (RATE_LIMITED, INTERNAL)


class _Known(NamedTuple):
    """What the description of an operation is made from, beside its row."""

    schema_of: dict[int, Schema]
    links: Links
    examples: Examples
    parameters: Mapping[str, PathParameter]


def build(capabilities: Sequence[Capability]) -> Schema:
    """Return the OpenAPI document of all that these serve."""
    table = routes_of(capabilities)
    wanted: list[Any] = [Problem]
    for route in table:
        wanted.extend(_types(route))
    schemas, named = components(wanted)
    without_event(named)
    schema_of = {id(kind): schema for kind, schema in zip(wanted, schemas, strict=True)}
    paths: dict[str, Schema] = {}
    known = _Known(
        schema_of,
        Links(table),
        merged(one.examples for one in capabilities),
        {name: said for one in capabilities for name, said in one.parameters.items()},
    )
    for route in table:
        path = paths.setdefault(route.path, {})
        path[route.method.lower()] = _operation(route, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Onsale",
            "version": __version__,
            "summary": "Ticket on-sales: exact, durable, live.",
            "description": guide.FIRST_STEPS + DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "This server."}],
        "tags": guide.ordered(
            {name: told for one in capabilities for name, told in one.tags.items()}
        ),
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `access_token` of `/v1/auth/…`.",
                },
                "api_key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "The key of an organisation's machine, with the "
                    "scope that an operation names.",
                },
            },
        },
    }


def _types(route: Route) -> list[Any]:
    found = list(route.answers) if isinstance(route.answers, tuple) else [route.answers]
    return [kind for kind in (route.body, *found) if kind is not None]


def _operation(route: Route, known: _Known) -> Schema:
    operation: Schema = {
        "operationId": route.name,
        "summary": route.summary,
        "description": guide.who_may(route),
        "tags": [route.tag],
        "parameters": _parameters(route, known),
        "responses": _responses(route, known),
        "security": _security(route),
    }
    if route.body is not None:
        content: Schema = {"schema": known.schema_of[id(route.body)]}
        shown = known.examples
        content |= _examples(route, shown.requests, shown.several_requests)
        operation["requestBody"] = {
            "required": route.body_required,
            "content": {route.body_media_type: content},
        }
    return operation


def _security(route: Route) -> list[Schema]:
    if route.access in ("operational", "anonymous"):
        return []
    required: list[Schema] = [{"bearer": []}]
    if route.scope is not None:
        required.append({"api_key": [route.scope]})
    return [{}, *required] if route.access == "anyone" else required


def _parameters(route: Route, known: _Known) -> list[Schema]:
    parameters: list[Schema] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "description": known.parameters[name].description,
            "example": known.parameters[name].example,
        }
        for name in PARAMETER.findall(route.path)
    ]
    parameters.extend(
        {
            "name": query.name,
            "in": "query",
            "schema": query.schema,
            "description": query.description,
            **_query_example(route, query, known),
        }
        for query in route.query
    )
    if route.keyed:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "schema": {"type": "string", "minLength": 1, "maxLength": 128},
                "description": "The same key again has no second effect.",
            }
        )
    if route.method in CONDITIONAL:
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "schema": {"type": "string"},
                "description": "The `ETag` of what was read: its revision counts, and "
                "where it was edited since then nothing is done.",
            }
        )
    if route.cached:
        parameters.append(
            {
                "name": "If-None-Match",
                "in": "header",
                "schema": {"type": "string"},
                "description": "The `ETag` of the answer that is known.",
            }
        )
    return parameters


def _query_example(route: Route, query: Query, known: _Known) -> Schema:
    found = known.examples.queries.get(route.name, {})
    return {"example": found[query.name]} if query.name in found else {}


def _good(route: Route, known: _Known) -> Schema:
    """Return what a good answer is."""
    links = known.links
    good: Schema = {"description": HTTPStatus(route.status).phrase}
    if route.cached or route.method == "PATCH":
        good["headers"] = {"ETag": {"schema": {"type": "string"}}}
    if route.status == MADE and links.kind_of(route) is not None:
        good["headers"] = {"Location": LOCATION}
    if route.status != HTTPStatus.NO_CONTENT:
        good["content"] = {route.media_type: _content(route, known)}
    if found := links.of(route):
        good["links"] = found
    return good


def _responses(route: Route, known: _Known) -> Schema:
    good = _good(route, known)
    responses = {str(route.status): good}
    if route.done_status is not None:
        done = HTTPStatus(route.done_status).phrase
        responses[str(route.done_status)] = {**good, "description": done}
    if route.cached:
        responses["304"] = {"description": "The known answer still holds."}
    if route.name == "show_ready":
        responses["503"] = {**good, "description": "Not ready."}
        return responses
    by_status: dict[int, list[ProblemType]] = {}
    for kind in _problems(route):
        by_status.setdefault(kind.status, []).append(kind)
    for status, kinds in sorted(by_status.items()):
        lines = (f"`{kind.code}`: {kind.detail}" for kind in kinds)
        responses[str(status)] = {
            **({"headers": LIMITED} if status == HTTPStatus.TOO_MANY_REQUESTS else {}),
            "description": "\n\n".join(lines),
            "content": {CONTENT_TYPE: {"schema": known.schema_of[id(Problem)]}},
        }
    return responses


def _content(route: Route, known: _Known) -> Schema:
    content: Schema = {"schema": {"type": "string"}}
    if isinstance(route.answers, tuple):
        schemas = [known.schema_of[id(kind)] for kind in route.answers]
        content = {"schema": {"anyOf": schemas}}
    elif route.answers is not None:
        content = {"schema": known.schema_of[id(route.answers)]}
    return content | _examples(
        route, known.examples.answers, known.examples.several_answers
    )


def _examples(route: Route, single: Mapping[str, Any], several: Several) -> Schema:
    if route.name in several:
        named = several[route.name]
        return {"examples": {name: {"value": named[name]} for name in named}}
    return {"example": single[route.name]} if route.name in single else {}


def _problems(route: Route) -> dict[ProblemType, None]:
    kinds = dict.fromkeys(route.problems)
    if route.access not in ("operational", "anonymous"):
        kinds[problems.UNAUTHENTICATED] = None
        # A token and a key at once.
        kinds.setdefault(problems.BAD_FRAME)
    if route.scope is not None or ROLES.get(route.access, GUESTS) < GUESTS:
        kinds[problems.FORBIDDEN] = None
    if route.keyed:
        kinds.setdefault(problems.BAD_FIELD)
    if route.method in CONDITIONAL:
        kinds[problems.PRECONDITION_FAILED] = None
    if route.access != "operational":
        kinds.update(dict.fromkeys(ALWAYS))
    elif route.budget != "probe":
        kinds[RATE_LIMITED] = None
    return kinds
