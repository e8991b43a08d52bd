"""Template: the byte code of templates is kept between processes, and never more than an aid."""

import sys
from pathlib import Path

import jinja2
import pytest

from harness.report import template


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """How often each template of a folder was compiled, and a page by a process that knows nothing yet."""
    folder, counts = tmp_path / "templates", []
    folder.mkdir()
    (folder / "page.html").write_text("{{ text }}!")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(template, "_LOADER", jinja2.FileSystemLoader(folder))
    compile_ = jinja2.Environment.compile
    monkeypatch.setattr(jinja2.Environment, "compile", lambda *args: counts.append(args) or compile_(*args))

    def page():
        monkeypatch.setattr(template, "_COMPILED", template._ByteCode(folder))
        before = len(counts)
        text = template.environment().get_template("page.html").render(text="<a>")
        return text, len(counts) - before

    return page


def kept(tmp_path):
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_the_next_process_compiles_nothing(compiled, tmp_path):
    assert [compiled(), compiled()] == [("&lt;a&gt;!", 1), ("&lt;a&gt;!", 0)]
    assert len(kept(tmp_path)) == 1


def test_a_changed_template_is_compiled(compiled, tmp_path):
    compiled()
    (tmp_path / "templates/page.html").write_text("{{ text }}?")
    assert compiled() == ("&lt;a&gt;?", 1)


def test_other_options_or_another_compiler_are_noticed(compiled, monkeypatch, tmp_path):
    compiled()
    copy = tmp_path / "template.py"
    copy.write_bytes(Path(template.__file__).read_bytes() + b"#")
    monkeypatch.setattr(template, "__file__", str(copy))
    assert [compiled()[1], compiled()[1]] == [1, 0]


@pytest.mark.parametrize("damaged", [b"", b"j2", b"j2\x80\x02K\x05.\x80\x02J\x0b\x00\x00\x03.", "half"])
def test_a_damaged_file_is_compiled_again(compiled, tmp_path, damaged):
    compiled()
    (file,) = kept(tmp_path)
    file.write_bytes(file.read_bytes()[:-20] if damaged == "half" else damaged)
    assert [compiled(), compiled()] == [("&lt;a&gt;!", 1), ("&lt;a&gt;!", 0)]


def test_nothing_is_written_where_python_writes_no_byte_code(compiled, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert [compiled(), compiled()] == [("&lt;a&gt;!", 1)] * 2
    assert not kept(tmp_path)


def test_a_folder_that_cannot_be_made_is_no_error(compiled, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert [compiled(), compiled()] == [("&lt;a&gt;!", 1)] * 2
