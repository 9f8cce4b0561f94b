"""Routes of what stands around an event: one like it, its calendar file, its image."""

from typing import Final

from server.events.catalogue import rest_calendar, rest_duplicate
from server.events.catalogue.bodies import EventDocument, NewEvent
from server.events.images import rest as images
from server.events.images.encoding import MEDIA_TYPE, SIZES
from server.transport.rest.route import EVENT, WRITES, Query, Route

CATALOGUE_ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/events/{event}/duplicate",
        handler=rest_duplicate.duplicate_event,
        name="duplicate_event",
        summary="Make a draft like this event, perhaps at another time",
        tag="Events",
        access="manager",
        scope="events:write",
        body=rest_duplicate.EventDuplicate,
        body_required=False,
        answers=NewEvent,
        status=201,
        keyed=True,
        problems=(
            *WRITES,
            "event_not_found",
            "key_reused",
            "limit_reached",
            "venue_taken",
        ),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/calendar.ics",
        handler=rest_calendar.show_calendar,
        name="show_calendar",
        summary="Show an event as an iCalendar file",
        tag="Events",
        access="anyone",
        scope="events:read",
        media_type=rest_calendar.MEDIA_TYPE,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="POST",
        path="/v1/events/{event}/image",
        handler=images.upload_image,
        name="upload_image",
        summary="Let an event show an image, in place of the one that it had",
        tag="Events",
        access="manager",
        scope="events:write",
        body=images.ImageForm,
        body_media_type="multipart/form-data",
        answers=EventDocument,
        keyed=True,
        problems=(*WRITES, *EVENT, "bad_image", "key_reused", "overloaded"),
    ),
    Route(
        method="DELETE",
        path="/v1/events/{event}/image",
        handler=images.delete_image,
        name="delete_image",
        summary="Let an event show no image",
        tag="Events",
        access="manager",
        scope="events:write",
        status=204,
        keyed=True,
        problems=("bad_field", *EVENT),
    ),
    Route(
        method="GET",
        path="/v1/images/{image}",
        handler=images.show_image,
        name="show_image",
        summary="Show an image, which never changes",
        tag="Events",
        access="anyone",
        scope="events:read",
        media_type=MEDIA_TYPE,
        cached=True,
        # A page has many of them.
        budget="cheap",
        query=(
            Query(
                "size",
                {"type": "string", "enum": list(SIZES), "default": "large"},
                "The longest side is at most 1,600 or 480 pixels.",
            ),
        ),
        problems=("image_not_found", "bad_field", "unavailable"),
    ),
)
