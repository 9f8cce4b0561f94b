"""What may be wrong with a call about images."""

from typing import Final

from server.base.refusals.refusals import ProblemType

BAD_IMAGE: Final = ProblemType("bad_image", 422, "This is no image that is taken.")
IMAGE_NOT_FOUND: Final = ProblemType("image_not_found", 404, "There is no such image.")
