"""Who and what the examples of the interface are about: they tell one story."""

from typing import Any, Final

EVENT_ID: Final = "evt_Jt8Zk0bTQyW2mGq1c5uVhA"
ORGANISATION_ID: Final = "org_4nPq1tVxRk2yZb7cWm9eLA"
VENUE_ID: Final = "ven_p0cVd5mJSk6lB7nqYw3xEg"
BOOKING_ID: Final = "bkg_3nB6xQm0vTz8sLkJc5wRyA"
TICKET_ID: Final = "tkt_5vK0cXq2RwTn8bYzLm3sJg"
TICKET_NUMBER: Final = "K7QX2MABCD"
TICKET_CODE: Final = (
    "TAA47MCPAAVW3P7U2HHQAAJ5OVYLABCDAEAM2AZMZVITHTSWI5NKOYVRWZBAZKL3FHXXTNOKJWMS"
    "JQMVUDWV4L6PBM4AXNQ63HCGMY7JMQJREM6I5IMOZMFT374CJODLFAICPPOPP37JCWVDMB6LUOXJ"
    "AADQ"
)
MADE: Final = "2026-11-21T10:00:00Z"
OLGA: Final = "usr_2m5sWn9fTjOQy7gJxwYh0A"
BERT: Final = "usr_8yG1kQzVRr6d0wXhTnC5sA"
CLEO: Final = "usr_7tYu5iOpLk3jHg1fDsA9zX"
OWNER: Final[dict[str, Any]] = {
    "user": OLGA,
    "name": "Olga",
    "email": "olga@example.org",
    "role": "owner",
    "joined_at": MADE,
}

INVITED: Final[dict[str, Any]] = {
    **OWNER,
    "user": BERT,
    "name": "Bert",
    "email": "bert@example.org",
    "role": "staff",
}

MEMBER: Final[dict[str, Any]] = {
    **OWNER,
    "user": CLEO,
    "name": "Cleo",
    "email": "cleo@example.org",
    "role": "leader",
}


def page(item: dict[str, Any]) -> dict[str, Any]:
    """Return a list with one item, the last page."""
    return {"items": [item], "next_cursor": None}


CODE: Final = "Vb0qKxZ5uN9cPhL2eGaF7iWtB4vXyEo3sT8Yw1dJ6mR"
PASSWORD: Final = "correct horse battery"
OTHER_PASSWORD: Final = "incorrect zebra accumulator"
ADMIN: Final[dict[str, Any]] = {"id": "usr_5pLm3xQ8vTb1sKd7jWnR2A", "role": "admin"}

FROM: Final = "2026-11-21T10:00:00Z"
TO: Final = "2036-01-01T00:00:00Z"
BETWEEN: Final = {"from": FROM, "to": TO}
