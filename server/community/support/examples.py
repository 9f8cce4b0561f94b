"""Examples of support, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import BERT, MADE, ORGANISATION_ID, page

ASK: Final[dict[str, Any]] = {
    "subject": "Is there a cloakroom?",
    "text": "We come by bicycle, with helmets.",
    "organisation": ORGANISATION_ID,
}
TICKET: Final[dict[str, Any]] = {
    "id": "sup_6yHn8uJm2qAz4wSx1eDc9R",
    "organisation": ORGANISATION_ID,
    "event": None,
    "user": BERT,
    "email": "bert@example.org",
    "subject": ASK["subject"],
    "text": ASK["text"],
    "created_at": MADE,
}

EXAMPLES: Final = Examples(
    requests={"ask_support": ASK},
    answers={
        "ask_support": {
            "ticket": TICKET["id"],
            "created_at": MADE,
            "answered_at_email": True,
        },
        "list_support": page(TICKET),
    },
)
