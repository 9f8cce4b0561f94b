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
