from server.transport.ratelimit.token_buckets import TokenBuckets


def test_a_burst_is_let_through_and_then_no_more():
    buckets = TokenBuckets(rate_per_s=1.0, burst=3)
    assert [buckets.take("a", 0.0).allowed for _ in range(4)] == [
        True,
        True,
        True,
        False,
    ]


def test_a_client_may_come_again_when_it_was_told_to():
    buckets = TokenBuckets(rate_per_s=0.5, burst=1)
    buckets.take("a", 0.0)
    refused = buckets.take("a", 0.0)
    assert refused.retry_after_s == 2
    assert not buckets.take("a", 1.9).allowed
    assert buckets.take("a", 2.0).allowed


def test_a_refused_request_costs_nothing():
    buckets = TokenBuckets(rate_per_s=1.0, burst=1)
    buckets.take("a", 0.0)
    for _ in range(100):
        buckets.take("a", 0.5)
    assert buckets.take("a", 1.0).allowed


def test_to_look_takes_nothing_and_says_what_a_taking_would():
    buckets = TokenBuckets(rate_per_s=0.5, burst=1)
    assert all(buckets.look("a", 0.0).allowed for _ in range(5))
    assert len(buckets) == 0
    buckets.take("a", 0.0)
    looked = buckets.look("a", 0.0)
    assert looked == buckets.take("a", 0.0)
    assert (looked.allowed, looked.retry_after_s) == (False, 2)
    assert not buckets.look("a", 1.9).allowed
    assert buckets.look("a", 2.0).allowed


def test_what_another_gave_is_owed():
    buckets = TokenBuckets(rate_per_s=1.0, burst=2)
    for _ in range(3):
        buckets.owe("a", 0.0)
    refused = buckets.take("a", 0.0)
    assert (refused.allowed, refused.remaining, refused.retry_after_s) == (False, 0, 2)
    assert buckets.take("b", 0.0).allowed
    assert buckets.take("a", 2.0).allowed


def test_nobody_owes_more_than_a_bucket():
    buckets = TokenBuckets(rate_per_s=1.0, burst=2)
    for _ in range(100):
        buckets.owe("a", 0.0)
    assert buckets.take("a", 0.0).retry_after_s == 3
    assert buckets.take("a", 3.0).allowed


def test_one_client_does_not_use_up_what_another_has():
    buckets = TokenBuckets(rate_per_s=1.0, burst=1)
    buckets.take("a", 0.0)
    assert buckets.take("b", 0.0).allowed


def test_rest_never_gives_more_than_a_burst():
    buckets = TokenBuckets(rate_per_s=1.0, burst=2)
    buckets.take("a", 0.0)
    allowed = [buckets.take("a", 1e6).allowed for _ in range(3)]
    assert allowed == [True, True, False]


def test_the_table_stays_within_its_bound_and_forgets_who_rested_longest():
    buckets = TokenBuckets(rate_per_s=1.0, burst=1, keys_max=2)
    buckets.take("a", 0.0)
    buckets.take("b", 0.0)
    buckets.take("a", 0.1)
    buckets.take("c", 0.2)
    assert len(buckets) == 2
    assert not buckets.take("a", 0.3).allowed
    assert buckets.take("b", 0.3).allowed


def test_the_headers_tell_where_a_client_stands():
    buckets = TokenBuckets(rate_per_s=1.0, burst=2)
    assert buckets.take("a", 0.0).headers() == {
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "1",
        "RateLimit-Reset": "1",
    }
    buckets.take("a", 0.0)
    assert buckets.take("a", 0.0).headers()["Retry-After"] == "1"
