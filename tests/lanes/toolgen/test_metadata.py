from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.toolgen.metadata import Metadata, read_metadata


def test_a_block_is_read():
    lines = ["/// candidate", 'style = "trie"', 'parents = ["abc"]', "", 'generator = "x"', 'license = "MIT"', "///"]
    source = "".join(f"# {line}\n" if line else "#\n" for line in lines) + "x = 1\n"
    assert read_metadata(source) == Metadata(style="trie", parents=("abc",), generator="x", license="MIT")


def test_no_block_is_no_metadata():
    assert read_metadata("x = 1\n") == Metadata()


def test_a_broken_block_is_reported_not_fatal():
    assert "TOML" in read_metadata("# /// candidate\n# style = \n# ///\n").problem
    assert "style" in read_metadata("# /// candidate\n# style = 3\n# ///\n").problem
    assert read_metadata("# /// candidate\n# style = 'a'\n").problem
    assert "TOML" in read_metadata(f"# /// candidate\n# license = 1{'0' * 5000}\n# ///\n").problem
    assert read_metadata("# /// candidate\n# style = 'a'\n# ///\n" * 2).problem


def test_other_keys_are_ignored():
    assert read_metadata("# /// candidate\n# style = 'a'\n# model = 'b'\n# problem = 'c'\n# ///\n") == Metadata(
        style="a"
    )


@given(st.text())
def test_any_block_is_read_without_an_exception(text):
    lines = "\n".join(f"# {line}" for line in text.splitlines())
    found = read_metadata(f"# /// candidate\n{lines}\n# ///\n")
    assert Metadata.from_wire(found.to_wire()) == found
