"""Hostile `.ksy` files: large and deep input neither hangs nor crashes."""

from __future__ import annotations

import pytest

from harness.core.errors import SuiteError
from harness.kaitai.checker import check
from harness.kaitai.importer import import_ksy
from harness.kaitai.loader import MAX_FILES, load

MANY = 3_000
HEAD = "meta: {id: big, endian: le}\n"
HOSTILE = {
    "a long sum": HEAD + f"instances: {{a: {{value: '{'1 + ' * MANY}1'}}}}\n",
    "many negations": HEAD + f"instances: {{a: {{value: '{'not ' * MANY}true'}}}}\n",
    "a long path": HEAD + f"seq: [{{id: a, type: u1}}]\ninstances: {{b: {{value: 'a{'.to_s' * MANY}'}}}}\n",
    "a long chain of instances": HEAD
    + "instances:\n"
    + "".join(f"  i{n}: {{value: i{n + 1} + 1}}\n" for n in range(MANY))
    + f"  i{MANY}: {{value: 1}}\n",
    "instances in a circle": HEAD + "instances: {a: {value: b + 1}, b: {value: c * 2}, c: {value: a}}\n",
    "many fields": HEAD
    + "seq:\n"
    + "".join(f"  - {{id: f{n}, size: n{n}}}\n  - {{id: n{n}, type: u1}}\n" for n in range(MANY)),
    "many cases": HEAD
    + "seq:\n  - {id: a, type: u1}\n  - id: b\n    type:\n      switch-on: a\n      cases:\n"
    + "".join(f"        a + {n}: u1\n" for n in range(MANY)),
    "a long enum": HEAD
    + "seq: [{id: a, type: u1, enum: e}]\nenums:\n  e:\n"
    + "".join(f"    {n}: m{n}\n" for n in range(MANY)),
    "a type that is its own field": HEAD + "seq: [{id: a, type: big}]\n",
    "sizes that need each other": HEAD
    + "seq: [{id: a, type: t}]\ninstances: {s: {value: sizeof<t>}}\ntypes: {t: {seq: [{id: b, type: t}]}}\n",
    "deep types": HEAD + "types: " + "{t: {types: " * 60 + "{}" + "}}" * 60 + "\n",
    "an import of itself": "meta: {id: big, imports: [big]}\nseq: [{id: a, type: u1}]\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_much_of_everything_is_imported_or_refused(name, tmp_path):
    path = tmp_path / "big.ksy"
    path.write_text(HOSTILE[name], "utf-8")
    try:
        found = import_ksy(path)
    except SuiteError as error:
        assert str(path) in str(error)  # noqa: PT017 - too deep for YAML
        return
    assert (found.grammar is None) == bool(found.errors)


def test_imports_in_a_circle_end(tmp_path):
    for n in range(3):
        (tmp_path / f"f{n}.ksy").write_text(
            f"meta: {{id: f{n}, imports: [f{(n + 1) % 3}]}}\nseq: [{{id: a, type: u1}}]\n"
        )
    library = load(tmp_path / "f0.ksy")
    check(library)
    assert [found.name for found in library.structures()] == ["f0", "f1", "f2"]
    assert not library.findings


def test_imports_do_not_reach_beyond_a_limit(tmp_path):
    for n in range(MAX_FILES + 5):
        (tmp_path / f"f{n}.ksy").write_text(f"meta: {{id: f{n}, imports: [f{n + 1}]}}\n")
    library = load(tmp_path / "f0.ksy")
    assert len(library.sources) <= MAX_FILES
    assert "more than" in library.findings[0].message


def test_absolute_imports_are_looked_up_in_the_folders_given(tmp_path):
    (tmp_path / "lib" / "common").mkdir(parents=True)
    (tmp_path / "lib" / "common" / "thing.ksy").write_text("meta: {id: thing}\nseq: [{id: a, type: u1}]\n")
    (tmp_path / "use.ksy").write_text("meta: {id: use, imports: [/common/thing]}\nseq: [{id: t, type: thing}]\n")
    assert [each.path for each in load(tmp_path / "use.ksy").findings] == ["/meta/imports/0", "/seq/0/type"]
    assert not load(tmp_path / "use.ksy", search=(tmp_path / "lib",)).findings


def test_an_opaque_type_is_found_beside_the_file(tmp_path):
    (tmp_path / "thing.ksy").write_text("meta: {id: thing}\nseq: [{id: a, type: u1}]\n")
    path = tmp_path / "use.ksy"
    path.write_text(
        "meta: {id: use, ks-opaque-types: true}\ntypes: {t: {seq: [{id: x, type: thing}]}}\nseq: [{id: t, type: t}]\n"
    )
    assert import_ksy(path).grammar is not None
