"""What may be wrong with a call about API keys."""

from typing import Final

from server.base.refusals.refusals import ProblemType

KEY_NOT_FOUND: Final = ProblemType("key_not_found", 404, "There is no such API key.")
KEY_REVOKED: Final = ProblemType("key_revoked", 409, "This API key was revoked.")
