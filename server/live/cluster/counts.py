"""What a process counts of its dealings with the others."""

from typing import TYPE_CHECKING

from server.base.metrics import Metrics

if TYPE_CHECKING:
    from server.live.cluster.cluster import Cluster


def count_cluster(cluster: "Cluster", metrics: Metrics) -> None:
    """Show what a process sends to the others, and hears of them."""
    bus, forwarder, follower = cluster.bus, cluster.forwarder, cluster.follower
    members, endpoint = cluster.members, cluster.endpoint
    metrics.gauge(
        "onsale_processes",
        "Processes of the server that live.",
        lambda: len(members.live),
    )
    metrics.gauge(
        "onsale_followed_events",
        "Events that another process owns and this one shows.",
        lambda: len(follower.followed),
    )
    for name, meaning, read in (
        (
            "forwarded_commands",
            "Commands that were sent to the owners of their events.",
            lambda: forwarder.forwarded,
        ),
        (
            "forwarded_unknown",
            "Commands that were sent to an owner who did not answer.",
            lambda: forwarder.unknown,
        ),
        (
            "visiting_commands",
            "Commands that other processes sent here.",
            lambda: endpoint.visits,
        ),
        (
            "resyncs",
            "Boards of events that were fetched anew from their owners.",
            lambda: follower.resyncs,
        ),
        (
            "bus_published",
            "Messages that were sent over the bus.",
            lambda: bus.published,
        ),
        (
            "bus_received",
            "Messages that were received over the bus.",
            lambda: bus.received,
        ),
        (
            "bus_dropped",
            "Messages on the bus that were unreadable or not from the server.",
            lambda: bus.dropped + cluster.foreign,
        ),
        (
            "bus_reconnects",
            "Connections to the bus that were made anew.",
            lambda: bus.reconnects,
        ),
    ):
        metrics.counter(f"onsale_{name}_total", meaning, read)
