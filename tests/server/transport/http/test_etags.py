from server.transport.http import etags


def test_equal_bodies_have_equal_tags_and_others_do_not():
    assert etags.of_body(b"ab") == etags.of_parts([b"a", b"b"])
    assert etags.of_body(b"ab") != etags.of_body(b"ba")


def test_a_position_is_told_from_its_neighbours():
    tags = {
        etags.of_position("h", 1, 11),
        etags.of_position("h", 11, 1),
        etags.of_position("i", 1, 11),
    }
    assert len(tags) == 3


def test_a_known_tag_matches_alone_in_a_list_weakly_and_as_star():
    tag = etags.of_body(b"x")
    assert etags.matches(tag, tag)
    assert etags.matches(f'"other", {tag}', tag)
    assert etags.matches(f"W/{tag}", tag)
    assert etags.matches("*", tag)


def test_nothing_else_matches():
    tag = etags.of_body(b"x")
    assert not etags.matches(None, tag)
    assert not etags.matches("", tag)
    assert not etags.matches('"other"', tag)
    assert not etags.matches(tag.strip('"'), tag)
    assert not etags.matches(", ".join([tag] * 1000), tag)


def test_a_tag_is_a_revision_and_a_digest():
    tag = etags.of_body(b"x", 41)
    assert tag.startswith('"41-')
    assert etags.revisions_of(tag) == (41,)
    assert etags.revisions_of(etags.weak(tag)) == (41,)
    assert etags.revisions_of(etags.of_position("h-1", 1, 1)) == (0,)
    assert set(etags.revisions_of('"1-a" , W/"2-b","3-"') or ()) == {1, 2, 3}


def test_any_revision_will_do_for_who_names_none():
    assert etags.revisions_of(None) is None
    assert etags.revisions_of(" * ") is None


def test_a_tag_of_another_form_names_no_revision():
    for tag in ("", "1", '"1"', "1-a", '"-a"', '"x-a"', '"1-a', "W/1-a"):
        assert etags.revisions_of(tag) == (), tag
    assert etags.revisions_of(f'"{"9" * 19}-a"') == ()
    assert etags.revisions_of(", ".join(['"1-a"'] * 1000)) == ()
