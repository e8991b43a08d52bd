"""The conformance runner counts passed and failed assertions in a folder with the layout of Kaitai's test suite."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNNER = ROOT / "benchmarks" / "kaitai_conformance.py"

FILES = {
    "formats/pair_one.ksy": (
        "meta: {id: pair_one, endian: le}\nseq:\n  - {id: a, type: u2}\n  - {id: b, size: 2}\n"
        "  - {id: e, type: u1, enum: e}\n"
        "instances: {half: {value: a / 2.0}, none: {value: 1, if: a == 0}}\nenums: {e: {1: one}}\n"
    ),
    "formats/fail_one.ksy": "meta: {id: fail_one}\nseq: [{id: a, type: u1, valid: 5}]\n",
    "formats/short_one.ksy": "meta: {id: short_one}\nseq: [{id: a, size: 99}]\n",
    "spec/pair_one.kst": (
        "id: pair_one\ndata: five.bin\nasserts:\n  - {actual: a, expected: 0x0201}\n"
        "  - {actual: b, expected: '[3, 4]'}\n"
        "  - {actual: e, expected: 'pair_one::e::one'}\n  - {actual: half, expected: 256.5}\n"
        "  - {actual: none, expected: 'null'}\n  - {actual: b.size, expected: 2}\n"
        "  - {actual: a, expected: 7}\n  - {actual: nowhere, expected: 1}\n  - {actual: a, expected: true}\n"
    ),
    "spec/fail_one.kst": "id: fail_one\ndata: five.bin\nexception: ValidationNotEqualError<u1>\n",
    "spec/short_one.kst": "id: short_one\ndata: five.bin\nexception: {type: EndOfStreamError, message: too short}\n",
    "spec/gone_one.kst": "id: gone_one\ndata: five.bin\n",
    "spec/torn_one.kst": "id: [torn",
    "spec/torn_two.kst": "5",
    "formats/odd_one.ksy": "meta: {id: odd_one}\nseq: [{id: a, size: 1, process: mystery}]\n",
    "spec/odd_one.kst": "id: odd_one\ndata: five.bin\nasserts: [{actual: a, expected: '[1]'}]\n",
    "formats_err/type_a.ksy": "# type_a.ksy: /seq/0/type:\n# \terror: unknown\nmeta: {id: type_a}\n"
    "seq: [{id: a, type: nope}]\n",
    "formats_err/type_b.ksy": "# type_b.ksy: /seq/0/type:\n# \terror: really wrong\nmeta: {id: type_b}\n"
    "seq: [{id: a, type: u1}]\n",
    "formats_err/type_c.ksy": "# type_c.ksy: /seq/0:\n# \terror: elsewhere\nmeta: {id: type_c}\n"
    "seq: [{id: a, type: nope}]\n",
    "formats_err/type_d.ksy": "# type_d.ksy: /seq/0/type:\n# \twarning: milder\nmeta: {id: type_d}\n"
    "seq: [{id: a, type: nope}]\n",
    "formats_err/yaml_a.ksy": "# yaml_a.ksy:5:3:\n# \terror: not YAML\nmeta:\n  id: yaml_a\n  ]: 1\n",
    "formats_err/style_a.ksy": "# style_a.ksy: /meta/encoding:\n# \twarning: unknown\n"
    "meta: {id: style_a, encoding: klingon}\n",
    "formats_err/helper.ksy": "meta: {id: helper}\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "five.bin").write_bytes(bytes.fromhex("0102030401"))
    return tmp_path


def run(*arguments):
    argv = [sys.executable, str(RUNNER), *map(str, arguments)]
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        check=False,
    )


def test_what_is_right_and_what_is_wrong_is_counted(folder, tmp_path):
    found = run(folder, "--verbose", "--json", tmp_path / "figures.json")
    assert found.returncode == 0, found.stderr
    assert "asserts passed 8 / 15 (53.3 %)" in found.stdout
    assert "rejected 3 / 6 (50.0 %)" in found.stdout
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert [figures["asserts"][feature][:2] for feature in ("fail", "gone", "pair", "short")] == [
        [1, 1],
        [0, 1],
        [6, 9],
        [1, 1],
    ]
    assert [line.partition(":")[0] for line in figures["rejected"]["type"][2]] == [
        "type_b.ksy",
        "type_c.ksy",
        "type_d.ksy",
    ]
    assert "pair_one: a is 513, expected 7" in found.stdout
    assert "pair_one: nowhere: " in found.stdout
    assert figures["asserts"]["torn"][:2] == [0, 2]
    assert "1 assertions: cannot be carried over: the custom process 'mystery'" in found.stdout


def test_a_folder_of_another_shape_is_wrong_usage(tmp_path):
    found = run(tmp_path)
    assert found.returncode == 4
    assert "formats" in found.stderr
