import msgspec

from server.transport.rest.idempotency import hash_request, new_id


def test_without_a_key_every_id_is_new():
    ids = {new_id("evt", "usr_1", None) for _ in range(100)}
    assert len(ids) == 100
    assert all(name.startswith("evt_") and len(name) == 26 for name in ids)


def test_with_a_key_the_same_request_has_the_same_id():
    assert new_id("evt", "usr_1", "k") == new_id("evt", "usr_1", "k")


def test_another_user_key_or_kind_has_another_id():
    ids = {
        new_id("evt", "usr_1", "k").partition("_")[2],
        new_id("evt", "usr_2", "k").partition("_")[2],
        new_id("evt", "usr_1", "l").partition("_")[2],
        new_id("ven", "usr_1", "k").partition("_")[2],
        new_id("evt", "usr_", "1k").partition("_")[2],
    }
    assert len(ids) == 5


def test_the_hash_of_a_request_does_not_depend_on_how_it_was_written():
    one = msgspec.json.decode(b'{"a":1,"b":[2]}')
    same = msgspec.json.decode(b'{ "b": [2], "a": 1 }')
    assert hash_request(one) == hash_request(same)
    assert hash_request(one) != hash_request({"a": 1, "b": [3]})
