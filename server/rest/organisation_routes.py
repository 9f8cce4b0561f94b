"""The routes of organisations: who belongs to them, their machines, their mails."""

from functools import partial
from typing import Any, Final

from server.rest import (
    announcements,
    api_keys,
    invitations,
    join_requests,
    members,
    organisations,
)
from server.rest.event_bodies import EventSummary
from server.rest.paging import Page
from server.rest.route import ORGANISATION, PAGING, WRITES, Query, Route

TAG: Final = "Organisations"
ONE: Final = "/v1/organisations/{organisation}"
EMPTY: Final = (*ORGANISATION, "bad_field")
"""What may be wrong with a write that has no body."""

BODY: Final = (*WRITES, "organisation_not_found")
MADE: Final = (*BODY, "key_reused", "limit_reached")
PAGED: Final = (*ORGANISATION, "bad_field")

NAMED: Final = Query(
    "q",
    {"type": "string", "minLength": 1, "maxLength": organisations.QUERY_LENGTH_MAX},
    "Only those with all these words, or parts of words, in the name.",
)
STATE: Final = Query(
    "state",
    {"type": "string", "enum": ["pending", "accepted", "declined", "withdrawn"]},
    "Only those of this state.",
)

_read: Final = partial(Route, method="GET", tag=TAG, cached=True)
_write: Final = partial(Route, tag=TAG, keyed=True)
_post: Final = partial(_write, method="POST")
_delete: Final = partial(_write, method="DELETE", status=204)


def _list(item: Any, **more: Any) -> Route:
    query = (*more.pop("query", ()), *PAGING)
    return _read(answers=Page[item], query=query, **{"problems": PAGED, **more})


ORGANISATION_ROUTES: Final[tuple[Route, ...]] = (
    _post(
        path="/v1/organisations",
        handler=organisations.create_organisation,
        name="create_organisation",
        summary="Make an organisation, and own it",
        access="customer",
        body=organisations.OrganisationCreate,
        answers=organisations.OrganisationDocument,
        status=201,
        problems=(*WRITES, "key_reused", "limit_reached"),
    ),
    _list(
        organisations.OrganisationDocument,
        path="/v1/organisations",
        handler=organisations.list_organisations,
        name="list_organisations",
        summary="List the caller's organisations; all, for administrators",
        access="customer",
        query=(NAMED,),
        problems=("bad_field", "unavailable"),
    ),
    _read(
        path=ONE,
        handler=organisations.show_organisation,
        name="show_organisation",
        summary="Show an organisation, and what the caller is in it",
        access="customer",
        scope="events:read",
        answers=organisations.OrganisationDocument,
        problems=ORGANISATION,
    ),
    _write(
        method="PATCH",
        path=ONE,
        handler=organisations.edit_organisation,
        name="edit_organisation",
        summary="Change what an organisation says of itself",
        access="leader",
        body=organisations.OrganisationPatch,
        answers=organisations.OrganisationDocument,
        problems=BODY,
    ),
    _delete(
        path=ONE,
        handler=organisations.delete_organisation,
        name="delete_organisation",
        summary="End an organisation whose events are over, without tickets",
        access="owner",
        problems=(*EMPTY, "organisation_in_use"),
    ),
    _post(
        path=f"{ONE}/transfer",
        handler=organisations.transfer_organisation,
        name="transfer_organisation",
        summary="Make another member the owner, and lead from then on",
        access="owner",
        body=organisations.Transfer,
        answers=organisations.OrganisationDocument,
        problems=(*BODY, "member_not_found"),
    ),
    _list(
        EventSummary,
        path=f"{ONE}/events",
        handler=organisations.list_organisation_events,
        name="list_organisation_events",
        summary="List an organisation's events, drafts included",
        access="member",
        scope="events:read",
    ),
    _list(
        members.MemberDocument,
        path=f"{ONE}/members",
        handler=members.list_members,
        name="list_members",
        summary="List who belongs to an organisation",
        access="member",
        scope="members:read",
    ),
    _write(
        method="PATCH",
        path=f"{ONE}/members/{{member}}",
        handler=members.edit_member,
        name="edit_member",
        summary="Give a member another role, neither above the caller's own",
        access="leader",
        body=members.MemberPatch,
        answers=members.MemberDocument,
        problems=(*BODY, "member_not_found", "last_owner"),
    ),
    _delete(
        path=f"{ONE}/members/{{member}}",
        handler=members.remove_member,
        name="remove_member",
        summary="Remove a member, or leave (`me`)",
        access="member",
        problems=(*EMPTY, "member_not_found", "last_owner"),
    ),
    _post(
        path=f"{ONE}/invitations",
        handler=invitations.create_invitation,
        name="create_invitation",
        summary="Invite somebody by mail; an earlier one to that address ends",
        access="leader",
        body=invitations.InvitationCreate,
        answers=invitations.InvitationDocument,
        status=201,
        problems=(*MADE, "already_member"),
    ),
    _list(
        invitations.InvitationDocument,
        path=f"{ONE}/invitations",
        handler=invitations.list_invitations,
        name="list_invitations",
        summary="List an organisation's invitations, the newest first",
        access="leader",
        query=(STATE,),
    ),
    _read(
        path=f"{ONE}/invitations/{{invitation}}",
        handler=invitations.show_invitation,
        name="show_invitation",
        summary="Show an invitation of an organisation",
        access="leader",
        answers=invitations.InvitationDocument,
        problems=(*ORGANISATION, "invitation_not_found"),
    ),
    _delete(
        path=f"{ONE}/invitations/{{invitation}}",
        handler=invitations.withdraw_invitation,
        name="withdraw_invitation",
        summary="Take an invitation back; only the list tells of it then",
        access="leader",
        problems=(*EMPTY, "invitation_not_found"),
    ),
    _read(
        path="/v1/invitations/{code}",
        handler=invitations.show_offer,
        name="show_offer",
        summary="Show what the code of a mail invites to",
        access="customer",
        answers=invitations.OfferDocument,
        problems=("invitation_not_found", "unavailable"),
    ),
    _post(
        path="/v1/invitations/{code}/accept",
        handler=invitations.accept_invitation,
        name="accept_invitation",
        summary="Become a member with the code of a mail, which is good once",
        access="customer",
        answers=invitations.MembershipDocument,
        problems=(
            "invitation_not_found",
            "already_member",
            "limit_reached",
            "unavailable",
            "bad_field",
        ),
    ),
    _post(
        path="/v1/invitations/{code}/decline",
        handler=invitations.decline_invitation,
        name="decline_invitation",
        summary="Refuse the invitation of a mail",
        access="customer",
        status=204,
        problems=("invitation_not_found", "unavailable", "bad_field"),
    ),
    _post(
        path=f"{ONE}/join-requests",
        handler=join_requests.create_join_request,
        name="create_join_request",
        summary="Ask to join; while that is open there is one request only",
        access="customer",
        body=join_requests.JoinRequestCreate,
        answers=join_requests.JoinRequestDocument,
        status=201,
        problems=(*BODY, "already_member", "limit_reached"),
    ),
    _list(
        join_requests.JoinRequestDocument,
        path=f"{ONE}/join-requests",
        handler=join_requests.list_join_requests,
        name="list_join_requests",
        summary="List who asked to join, the newest first",
        access="leader",
        query=(STATE,),
    ),
    _read(
        path=f"{ONE}/join-requests/{{request}}",
        handler=join_requests.show_join_request,
        name="show_join_request",
        summary="Show a request to whoever made it, and to leaders",
        access="customer",
        answers=join_requests.JoinRequestDocument,
        problems=(*ORGANISATION, "request_not_found"),
    ),
    _delete(
        path=f"{ONE}/join-requests/{{request}}",
        handler=join_requests.withdraw_join_request,
        name="withdraw_join_request",
        summary="Take the caller's own request back; only lists tell of it then",
        access="customer",
        problems=(*EMPTY, "request_not_found"),
    ),
    _post(
        path=f"{ONE}/join-requests/{{request}}/accept",
        handler=join_requests.accept_join_request,
        name="accept_join_request",
        summary="Make whoever asked a member, and let them know",
        access="leader",
        body=join_requests.JoinRequestAnswer,
        answers=join_requests.JoinRequestDocument,
        problems=(*BODY, "request_not_found", "limit_reached"),
    ),
    _post(
        path=f"{ONE}/join-requests/{{request}}/decline",
        handler=join_requests.decline_join_request,
        name="decline_join_request",
        summary="Refuse a request, and let whoever made it know",
        access="leader",
        answers=join_requests.JoinRequestDocument,
        problems=(*EMPTY, "request_not_found"),
    ),
    _list(
        join_requests.JoinRequestDocument,
        path="/v1/me/join-requests",
        handler=join_requests.list_my_join_requests,
        name="list_my_join_requests",
        summary="List what the caller asked to join",
        access="customer",
        problems=("bad_field", "unavailable"),
    ),
    _post(
        path=f"{ONE}/api-keys",
        handler=api_keys.create_api_key,
        name="create_api_key",
        summary="Make a key for a machine; it is shown this once",
        access="leader",
        body=api_keys.ApiKeyCreate,
        answers=api_keys.FreshApiKeyDocument,
        status=201,
        problems=MADE,
    ),
    _list(
        api_keys.ApiKeyDocument,
        path=f"{ONE}/api-keys",
        handler=api_keys.list_api_keys,
        name="list_api_keys",
        summary="List an organisation's keys, the newest first",
        access="leader",
    ),
    _read(
        path=f"{ONE}/api-keys/{{key}}",
        handler=api_keys.show_api_key,
        name="show_api_key",
        summary="Show a key, without its secret",
        access="leader",
        answers=api_keys.ApiKeyDocument,
        problems=(*ORGANISATION, "key_not_found"),
    ),
    _post(
        path=f"{ONE}/api-keys/{{key}}/rotate",
        handler=api_keys.rotate_api_key,
        name="rotate_api_key",
        summary="Give a key another secret; it is shown this once",
        access="leader",
        body=api_keys.ApiKeyRotate,
        answers=api_keys.FreshApiKeyDocument,
        problems=(*BODY, "key_not_found", "key_revoked"),
    ),
    _delete(
        path=f"{ONE}/api-keys/{{key}}",
        handler=api_keys.revoke_api_key,
        name="revoke_api_key",
        summary="End a key for good; only the list tells of it then",
        access="leader",
        problems=(*EMPTY, "key_not_found"),
    ),
    _post(
        path=f"{ONE}/announcements",
        handler=announcements.create_announcement,
        name="create_announcement",
        summary="Tell members, or an event's ticket holders, something by mail",
        access="leader",
        body=announcements.AnnouncementCreate,
        answers=announcements.AnnouncementDocument,
        status=201,
        problems=MADE,
    ),
    _list(
        announcements.AnnouncementDocument,
        path=f"{ONE}/announcements",
        handler=announcements.list_announcements,
        name="list_announcements",
        summary="List an organisation's announcements, the newest first",
        access="member",
    ),
    _read(
        path=f"{ONE}/announcements/{{announcement}}",
        handler=announcements.show_announcement,
        name="show_announcement",
        summary="Show an announcement, and how far its sending is",
        access="member",
        answers=announcements.AnnouncementDocument,
        problems=(*ORGANISATION, "announcement_not_found"),
    ),
)
