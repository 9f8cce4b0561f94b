"""What a newcomer has to know: the first steps, each tag's own, who may call what."""

from collections.abc import Mapping
from typing import Final

from server.transport.rest.route import Route

FIRST_STEPS: Final = """\
# First steps

The examples below can be sent as they are, in this order; they tell one story. Take
this page for reading, and [the page for trying](/docs/try) for sending: it fills in the
examples, keeps the tokens, and puts the ids of earlier answers into later requests.

1. **Who you are.** Send `POST /v1/auth/register`; the answer's `access_token` goes into
   the header `Authorization: Bearer <token>` of what follows. To buy only,
   `POST /v1/auth/guest` is enough.
2. **Mail.** Codes come by mail: by itself, or in a link to `/account`, behind
   `#verify=`, `#reset=`, `#invitation=` or `#registration=`. A server that was started
   without `ONSALE_SMTP_URL` sends none: who runs it reads them with `onsale outbox`.
3. **The administrator** is whom `ONSALE_ADMIN_EMAIL` and `ONSALE_ADMIN_PASSWORD` named
   when the server was started first: log in with these. Only an administrator makes
   somebody an `organizer`, who may make venues and events of no organisation
   (`PATCH /v1/users/{user}`); whose role changes is signed out and logs in again.
4. **An organisation** needs no administrator: send `POST /v1/organisations`, and name
   its id as `organisation` in `POST /v1/venues` and `POST /v1/events`.
5. **Times** are instants, answered in UTC. On which clocks they are meant says the
   event's `timezone`, a zone of the IANA database: its own, else its venue's, its
   organisation's, or UTC. Where the beginning moves, by `PATCH` or in a duplicate, the
   end and the times of the sale move along on those clocks, but for those that the
   request names and for when a sale opened that is open: ten o'clock stays ten o'clock.
6. **An event** is a draft until `POST /v1/events/{event}/publish`; then seats can be
   taken with `POST /v1/events/{event}/commands`: `hold`, then `book` with the `hold` of
   the answer, by its `expires_at`. A hold really ends 5 seconds later, so that a `book`
   sent in time is not lost on its way; count down to `expires_at` all the same.
7. **Paid first.** `book` is for what costs nothing, or is paid at the door. Otherwise
   send `POST /v1/orders` with the `hold`, pay at the address in `payment`, and look at
   `GET /v1/orders/{order}` until it is `confirmed`: its tickets have the codes that
   `POST /v1/checkin/scans` takes at the door.
8. **Live** is the websocket `/v1/ws`: send the frames of `/asyncapi.json`, `hello`
   first.

An id, code, token or reference of an example stands for the one that an earlier answer
(or mail) gave you: where `evt_…` stands, put the `id` of your event. People of the
examples are Olga, who owns an organisation, Bert, whom she invites, and Cleo, who asks
to join; mail to them arrives only where their addresses are yours.

# Rules

"""

TAGS: Final = (
    "People",
    "Organisations",
    "Venues",
    "Events",
    "Seats",
    "Bookings",
    "Orders",
    "Tickets",
    "Check-in",
    "Attendees",
    "Analytics",
    "Administration",
    "Operation",
)
"""Tags in the order of a newcomer's steps; others follow."""

WHO: Final = {
    "operational": "Asks nobody who they are.",
    "anonymous": "Needs no token.",
    "anyone": "Needs no token.",
    "buyer": "Needs a token: a guest's, or that of an account.",
    "customer": "Needs the token of an account.",
    "manager": "Needs the token of an owner or leader of the event's organisation; of "
    "who made the event, where it has none.",
    "member": "Needs the token of a member of the organisation.",
    "leader": "Needs the token of an owner or leader of the organisation.",
    "owner": "Needs the token of an owner of the organisation.",
    "organizer": "Needs the token of an organiser or administrator.",
    "admin": "Needs the token of an administrator.",
}
"""Who may call what, by the route's access."""

OPENED: Final = "The token of who opened the order is good for it, too."


def who_may(route: Route) -> str:
    """Tell who may call a route, in a sentence or two."""
    needed = WHO[route.access] if route.who is None else route.who
    if route.access in ("manager", "member", "leader", "owner"):
        needed += " Administrators may too."
    if route.opened:
        needed += f" {OPENED}"
    if route.scope is None:
        return needed
    return f"{needed} An API key needs the scope `{route.scope}`."


def ordered(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the document has them, in a newcomer's order."""
    names = [name for name in TAGS if name in tags]
    names += [name for name in tags if name not in TAGS]
    return [{"name": name, "description": tags[name]} for name in names]
