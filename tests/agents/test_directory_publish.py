"""Publishing a directory: in which order, and how it is shown."""

from agents.directory_publish import _in_order
from streams.directory_check import from_toml, read

PEOPLE = """
[[employees]]
id = "ann"
office = "a"
leader = "bob"
[[employees]]
id = "bob"
office = "a"
leader = "eve"
leader_office = "b"
[[employees]]
id = "eve"
office = "b"
[[offices]]
id = "a"
[[offices]]
id = "b"
"""


def test_the_directory_holds_together_all_the_way():
    """Whoever reads it entry by entry finds nothing that names what is not there yet."""
    entries = _in_order(read(from_toml(PEOPLE, "x.toml")).directory)
    assert [entry.id for entry in entries] == ["a", "b", "eve", "bob", "ann"]
