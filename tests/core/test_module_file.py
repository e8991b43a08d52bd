from __future__ import annotations

import importlib.util
import os
import py_compile

import pytest

from harness.core.module_file import import_file


@pytest.mark.parametrize("mode", py_compile.PycInvalidationMode)
def test_byte_code_next_to_a_file_is_not_executed(tmp_path, mode):
    """The author of a candidate in the same folder may have put it there."""
    file, other = tmp_path / "oracle.py", tmp_path / "other.py"
    file.write_text("VALUE = 1\n")
    other.write_text("VALUE = 2\n")
    os.utime(other, (0, 0))
    os.utime(file, (0, 0))
    cache = importlib.util.cache_from_source(str(file))
    py_compile.compile(str(other), cfile=cache, invalidation_mode=mode)
    assert import_file(file, "oracle_with_a_cache").VALUE == 1


def test_another_kind_of_file_is_not_imported(tmp_path):
    (tmp_path / "x.pyc").write_bytes(b"")
    for name in ("x.pyc", "absent.py"):
        with pytest.raises(ImportError, match="is not a Python file"):
            import_file(tmp_path / name)
