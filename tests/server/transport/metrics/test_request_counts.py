"""Requests are counted by what was made, never by what clients make up."""

from prometheus_client import CollectorRegistry

from server.transport.metrics.request_counts import REQUESTS, SECONDS, RequestCounts


def counted(*requests: tuple[str, str, int, float | None]) -> CollectorRegistry:
    counts, registry = RequestCounts(), CollectorRegistry()
    registry.register(counts)
    for request in requests:
        counts.add(*request)
    return registry


def test_requests_are_counted_by_method_route_and_status():
    registry = counted(
        ("GET", "/v1/a", 200, 0.002),
        ("GET", "/v1/a", 200, 7.0),
        ("GET", "/v1/a", 404, 0),
    )
    of = {"method": "GET", "route": "/v1/a"}

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, of | labels)

    assert value(f"{REQUESTS}_total", status="200") == 2
    assert value(f"{REQUESTS}_total", status="404") == 1
    assert value(f"{SECONDS}_bucket", le="0.001") == 1
    assert value(f"{SECONDS}_bucket", le="5.0") == 2
    assert value(f"{SECONDS}_count") == 3
    assert value(f"{SECONDS}_sum") == 7.002


def test_what_lasts_as_long_as_its_client_likes_is_counted_and_not_timed():
    registry = counted(("GET", "/v1/ws", 101, None))
    of = {"method": "GET", "route": "/v1/ws"}
    total = registry.get_sample_value(f"{REQUESTS}_total", of | {"status": "101"})
    assert total == 1
    assert registry.get_sample_value(f"{SECONDS}_count", of) is None


def test_methods_that_clients_make_up_are_one():
    registry = counted(*((f"M{n}", "unmatched", 405, 0.1) for n in range(50)))
    (family,) = (one for one in registry.collect() if one.name == REQUESTS)
    (sample,) = family.samples
    assert (sample.labels["method"], sample.value) == ("other", 50)


def test_those_above_all_bounds_are_told_of_one_route():
    counts = RequestCounts()
    for seconds in (0.1, 5.0, 5.1, 60.0):
        counts.add("POST", "/v1/orders", 201, seconds)
    counts.add("GET", "/v1/orders", 200, 60.0)
    assert counts.slow_of("POST", "/v1/orders") == (2, 4)
    assert counts.slow_of("POST", "/v1/other") == (0, 0)
