"""What a newcomer has to know: the first steps, each tag's own, who may call what."""

from typing import Final

from server.ops.api.examples.attendee import ATTENDEE
from server.ops.api.examples.booking import BOOKING
from server.ops.api.examples.common import CODE, EVENT, IMAGE, ME, SESSION, VENUE
from server.ops.api.examples.organisation import (
    ANNOUNCEMENT,
    INVITATION,
    KEY,
    MEMBER,
    ORGANISATION,
    REQUEST,
)
from server.transport.rest.route import Route

FIRST_STEPS: Final = """\
# First steps

The examples below can be sent as they are, in this order; they tell one story. Take
this page for reading, and [the page for trying](/docs/try) for sending: it fills in the
examples, keeps the tokens, and puts the ids of earlier answers into later requests.

1. **Who you are.** Send `POST /v1/auth/register`; the answer's `access_token` goes into
   the header `Authorization: Bearer <token>` of what follows. To buy only,
   `POST /v1/auth/guest` is enough.
2. **Mail.** Codes come by mail: by itself, or in a link behind `#verify=`, `#reset=`,
   `#invitation=` or `#registration=`. A server that was started without
   `ONSALE_SMTP_URL` sends none: whoever runs it reads them with `onsale outbox`.
3. **The administrator** is whom `ONSALE_ADMIN_EMAIL` and `ONSALE_ADMIN_PASSWORD` named
   when the server was started: log in with these. Only an administrator makes somebody
   an `organizer`, who may make venues and events of no organisation
   (`PATCH /v1/users/{user}`); whose role changes is signed out and logs in again.
4. **An organisation** needs no administrator: send `POST /v1/organisations`, and name
   its id as `organisation` in `POST /v1/venues` and `POST /v1/events`.
5. **An event** is a draft until `POST /v1/events/{event}/publish`; then seats can be
   taken with `POST /v1/events/{event}/commands`: `hold`, then `book` with the `hold` of
   the answer.
6. **Live** is the websocket `/v1/ws`: send the frames of `/asyncapi.json`, `hello`
   first.

An id, code, token or reference of an example stands for the one that an earlier answer
(or mail) gave you: where `evt_…` stands, put the `id` of your event. People of the
examples are Olga, who owns an organisation, Bert, whom she invites, and Cleo, who asks
to join; mail to them arrives only where their addresses are yours.

# Rules

"""

TAGS: Final = {
    "People": """\
Accounts, and being logged in. In order: `register`; confirm the address with the code
of the mail (`email/verify`; `email/resend` sends another); `login` again where the
access token has run out, or `refresh` with the `refresh_token` of the last answer, each
good once. `sessions` lists where you are logged in, and ends one; `logout` ends this
one, `logout-everywhere` all. `PATCH /v1/me` changes the name, or the address with the
password. A new password: with the old one (`/v1/me/password`), or with the code of a
mail (`password/forgot`, then `password/reset`), and then log in with it; a new one ends
the codes of earlier mails.
`DELETE /v1/me` comes last: while you alone own an organisation it is refused.""",
    "Organisations": """\
In order: `POST /v1/organisations` makes you its `owner`; below that are `leader` and
`staff`. Others come in two ways. Invited: the code of the mail to them goes into the
path of `/v1/invitations/{code}`, `…/accept` or `…/decline`, and they call that with a
token of their own; to accept, their account must have the invited address, confirmed,
else it is `forbidden`. Or they ask: `join-requests`, which you accept or
decline. A member's id is the `user` of `…/members`; `me` is yourself. A machine gets an
API key: `key` in the answer is shown this once and is sent as `X-API-Key`, without a
bearer token. Announcements go by mail to members, or to who holds tickets of one event.
Deleting comes last, and is refused while events are to come or tickets are out.""",
    "Venues": """\
A venue is a map, given once, with any number of events in it. Name an `organisation`
that you own or lead; without one only organisers may make it. The keys of `categories`
are those of an event's `prices`; a seat's label is `ROW-NUMBER`, as `A-1`, or
`SECTION-ROW-NUMBER`. An event that needs no seats needs no venue either.""",
    "Events": """\
In order: `POST /v1/events` makes a draft, in a venue or with just a `capacity` (one
area and one price category, both called `GA`). Name an `organisation` that you own or
lead; without one only organisers may. Change it, give it an image, duplicate it;
`publish` puts it on sale, at once or at `on_sale_at` (until then it is `scheduled`).
`pause`, `resume`, `close` and `cancel` follow; what does not fit the state is refused
(`wrong_state`). Each category has a price, or none has and the event is free; a patch
of `prices` is merged by category, `null` takes one away. What began is neither made nor
published, and is completed when it is over. Only an event that nobody has booked can
be deleted (`tickets_sold`). Lists are filtered, searched with `q`, sorted, and read on
with the `next_cursor` of the answer as `cursor`.""",
    "Seats": """\
What is free, and taking it. The map tells labels and their index, the availability has
one letter for each index: `f` free, `h` held, `b` booked, `x` blocked, `o` other.
Commands, in order: `hold` or `hold_best` answers with a `hold`, a secret token, which
`extend`, `release` and `book` name; `book` answers with a `booking`, which `cancel`
names. A hold costs what its answers told as `total`, though prices change meanwhile.
Buyers are guests or have an account; `block` and `unblock` are for who manages the
event. The same commands, with `event` and `id`, are frames of the websocket.""",
    "Bookings": """\
Made with the command `book` (see Seats): its answer has the id and the reference. Each
buyer sees and cancels their own, until `cancel_until_s` before the beginning; those who
run the event list all of its bookings.""",
    "Attendees": """\
Registering without choosing a place, for an event that was made or changed with
`"registration": "open"`, which needs just a `capacity`, and is on sale. The mail to the
address has a code that cancels without a token.""",
    "Analytics": """\
Of an event or an organisation for those who run it, of the whole server for
administrators. Book something first; it counts within seconds.""",
    "Administration": """\
For administrators: users, their roles and suspensions, and the log of every call that
wrote. A new role or a suspension signs the user out everywhere.""",
    "Operation": """\
Health and descriptions for anybody; caches, processes and moving an event between them
for administrators. The `process` of a move is one that `GET /v1/cluster` lists.""",
}
"""Each tag by its name, in the order of a newcomer's steps."""

PATHS: Final = {
    "event": EVENT["id"],
    "venue": VENUE["id"],
    "booking": BOOKING["id"],
    "attendee": ATTENDEE["id"],
    "image": IMAGE["id"],
    "reference": BOOKING["reference"],
    "asset": "redoc.standalone.js",
    "session": SESSION["id"],
    "organisation": ORGANISATION["id"],
    "member": MEMBER["user"],
    "invitation": INVITATION["id"],
    "code": CODE,
    "request": REQUEST["id"],
    "key": KEY["id"],
    "announcement": ANNOUNCEMENT["id"],
    "user": ME["id"],
}
"""What stands for a part of a path, as the answers of the examples have it."""

WHO: Final = {
    "operational": "Asks nobody who they are, and is not limited.",
    "anonymous": "Needs no token.",
    "anyone": "Needs no token.",
    "buyer": "Needs a token: a guest's, or that of an account.",
    "customer": "Needs the token of an account.",
    "manager": "Needs the token of an owner or leader of the event's organisation; of "
    "an organiser, where the event has none.",
    "member": "Needs the token of a member of the organisation.",
    "leader": "Needs the token of an owner or leader of the organisation.",
    "owner": "Needs the token of an owner of the organisation.",
    "organizer": "Needs the token of an organiser or administrator.",
    "admin": "Needs the token of an administrator.",
}
"""Who may call what, by the route's access."""

OTHERWISE: Final = {
    "register": "Needs no token; with a guest's, the account takes over what the guest "
    "holds and has booked.",
    "create_venue": "Needs the token of an account: of an owner or leader, where an "
    "`organisation` is named, else of an organiser.",
    "create_event": "Needs the token of an account: of an owner or leader, where an "
    "`organisation` is named, else of an organiser.",
    "list_events": "Needs no token; organisers see drafts too, but those of other "
    "people's organisations.",
    "show_attendee": "Needs the token of who registered, or of whoever runs the event.",
    "cancel_attendee": "Needs the token of who registered, or of whoever manages the "
    "event.",
    "list_attendees": "Needs the token of a member of the event's organisation; of an "
    "organiser, where the event has none.",
    "list_event_bookings": "Needs the token of a member of the event's organisation; "
    "of an organiser, where the event has none.",
    "show_join_request": "Needs the token of who asked, or of an owner or leader of "
    "the organisation.",
    "withdraw_join_request": "Needs the token of who asked.",
    "remove_member": "Needs the token of the member, or of an owner or leader of the "
    "organisation.",
    "delete_me": "Needs the token of an account, but not of an administrator's.",
    "verify_email": "Needs no token, but the code of the mail to the address.",
    "reset_password": "Needs no token, but the code of the mail to the address.",
    "cancel_registration": "Needs no token, but the code of the mail.",
    "refresh": "Needs no access token, but the `refresh_token` of the last answer.",
}
"""Operations for which that is not the whole story, by name."""


def who_may(route: Route) -> str:
    """Tell who may call a route, in a sentence or two."""
    needed = OTHERWISE.get(route.name, WHO[route.access])
    if route.access in ("manager", "member", "leader", "owner"):
        needed += " Administrators may too."
    if route.scope is None:
        return needed
    return f"{needed} An API key needs the scope `{route.scope}`."
