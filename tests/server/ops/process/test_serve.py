"""What a server is called."""

from persistence.data_directory import DataDirectory
from server.ops.process.serve import node_of


def test_a_node_has_one_name_and_no_command_takes_it_for_an_option(tmp_path):
    data = DataDirectory(tmp_path)
    data.write_record("node", "-_-hyphens-and-more-of-it")
    assert node_of(data) == node_of(data)
    assert node_of(data)[0].isalpha()
