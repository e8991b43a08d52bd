"""Suite files: right ones become suites, wrong ones say what, where and the nearest right name."""

from __future__ import annotations

import json
import os
from typing import get_args

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, model_validator

from harness.core.budget import Schedule
from harness.core.case import Case, Subject
from harness.core.document import MAX_BYTES, read_document
from harness.core.errors import SuiteError
from harness.core.status import Status
from harness.lane.registry import Registry
from harness.lanes.toolgen.source import read_source
from harness.suites.loader import collect_cases, load_suite
from harness.suites.settings import settle
from harness.suites.suite import Suite, SuiteOptions


class Options(SuiteOptions):
    words: str | tuple[str, ...]
    sizes: dict[str, int] = {}
    weights: dict[str, float] = {}
    first: int = 1
    last: int = 2

    @model_validator(mode="after")
    def _is_a_range(self):
        if self.first > self.last:
            raise ValueError("first is above last")
        return self


class Words:
    name = "words"
    options = Options
    untrusted = ("words",)
    boxed = False
    min_tier = None
    components = ("match", "speed")
    weights = {"match": 0.75, "speed": 0.25}
    names = ("good", "wrong")

    def collect(self, suite):
        return [
            Case(lane="words", suite=suite.name, name=name, subject=Subject.from_bytes(name, b""), policy=suite.policy)
            for name in self.names
        ]


LANES = {"words": Words(), "other": Words()}
GOOD = "lane: words\nwords: a/*.txt\n"


@pytest.fixture
def load(tmp_path):
    def load(text, *, data=None):
        path = tmp_path / "a.suite.yaml"
        path.write_bytes(text.encode() if data is None else data)
        return load_suite(path, name="a.suite.yaml", lanes=LANES, settings=settle(tmp_path))

    return load


@pytest.mark.parametrize("pattern", ["c/*.txt", "*/*.txt", "c/*/*.txt", "c/**/*.txt", "c/[a]*/x.txt", "../*/c/*/x.txt"])
@pytest.mark.parametrize("name", ["c/a/key.json", "c/a", "link.json"])
def test_a_trusted_file_among_untrusted_ones_is_refused(load, tmp_path, pattern, name):
    (tmp_path / "c" / "a").mkdir(parents=True)
    for path in ("c/a/key.json", "other.json"):
        (tmp_path / path).write_text("{}")
    (tmp_path / "link.json").symlink_to("c/a/key.json")
    suite = load(f"lane: words\nwords: '{pattern}'\n")
    with pytest.raises(SuiteError, match=f"a.suite.yaml:.*{name}.* is trusted, but lies where .* of `words`"):
        suite.resolve(name, "sizes", allow_folder=True)
    with pytest.raises(SuiteError, match="is trusted, but lies where"):
        suite.glob(name + "*", "sizes", follow_links=True)
    assert suite.resolve("other.json", "sizes").name == "other.json"
    assert suite.resolve(name, "words", allow_folder=True).exists()


@pytest.mark.parametrize("pattern", ["c/b*/*.txt", "c/a/b/*.txt", "c/a.txt", "../c/*.txt"])
def test_a_trusted_file_next_to_untrusted_ones_is_read(load, tmp_path, pattern):
    (tmp_path / "c" / "a" / "b").mkdir(parents=True)
    (tmp_path / "c" / "a" / "key.json").write_text("{}")
    assert load(f"lane: words\nwords: '{pattern}'\n").resolve("c/a/key.json", "sizes").exists()


def said(load, text, **more):
    with pytest.raises(SuiteError) as caught:
        load(text, **more)
    return str(caught.value)


def test_weights_may_leave_a_component_out(load):
    assert load(GOOD + "weights: {match: 1}\n").options.weights == {"match": 1.0}
    assert load(GOOD + "weights: {match: 0.333333, speed: 0.666667}\n").options.weights["match"] == 0.333333


def test_a_good_suite(load):
    suite = load(GOOD + "attempts: 2\ngates: {match: 1, score: 0.5}\nexpect: {no: wrong, 1: ok}\nrequire: [noisy]\n")
    assert isinstance(suite, Suite)
    assert suite.options.words == "a/*.txt"
    assert suite.policy.attempts == 2
    assert suite.policy.gates == {"match": 1.0, "score": 0.5}
    assert suite.options.expect == {"no": Status.WRONG, "1": Status.OK}
    assert suite.line("words") == 2
    assert suite.where("expect", "no").endswith("a.suite.yaml:5:10")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            GOOD + "weights: {match: 0.5, spead: 0.5}\n",
            [":3:23", "no component 'spead' to weigh; did you mean 'speed'?"],
        ),
        (GOOD + "weights: {match: 0.5, speed: 0.4}\n", [":3:1", "the weights sum to 0.9, not to 1"]),
        (GOOD + "weights: {match: x, speed: 1}\n", [":3:11", "weights.match"]),
        ("lane: words\nword: a\n", ["a.suite.yaml:2:1: unknown key 'word'; did you mean 'words'?"]),
        ("lane: wrods\nwords: a\n", [":1:1", "unknown lane 'wrods'; did you mean 'words'?"]),
        ("lane: zzz\nwords: a\n", ["unknown lane 'zzz'; there are other, words"]),
        ("lane: 3\n", ["'lane' must be a string, not a number"]),
        ("Lane: words\nwords: a\n", ["'lane' is missing", "did you mean 'lane'?"]),
        ("lane: words\n", ["the key 'words' is missing"]),
        (GOOD + "attempts: 0\n", [":3:1: attempts: ", "greater than 0", "(it is 0)"]),
        (GOOD + "attempts: yes\n", [":3:1: attempts: ", '(it is "yes")']),
        (GOOD + 'attempts: "3"\n', [":3:1: attempts: "]),
        (GOOD + "attempts: true\n", [":3:1: attempts: "]),
        (
            GOOD + "budget: {time_ms: [1, 2]}\n",
            [":3:10: budget.time_ms: it must not", "1 -> 2 does (it is [1, 2])"],
        ),
        (GOOD + "budget: {tim_ms: [2, 1]}\n", [":3:10", "'budget.tim_ms'; did you mean 'time_ms'?"]),
        (GOOD + "expect: {good: rong}\n", [":3:10: expect.good", "'wrong'"]),
        (GOOD + "expect: {good: infra}\n", ["cannot be expected"]),
        (GOOD + "gates: {mach: 1}\n", [":3:9: no component 'mach' to gate; did you mean 'match'?"]),
        (GOOD + "gates: {match: .nan}\n", [":3:9: gates.match"]),
        (GOOD + "require: [noissy]\n", [":3:11: unknown requirement 'noissy'; did you mean 'noisy'?"]),
        (GOOD + "tags: [a b]\n", ["cannot be a pytest marker"]),
        (GOOD + "lane: words\n", [":3:1: the key 'lane' appears twice, first at", ":1:1"]),
        ("lane: words\n\twords: a\n", [":2:1: not YAML"]),
        ("lane: [words\n", ["not YAML"]),
        ("- lane\n", ["a suite is a mapping"]),
        ("", ["the file is empty"]),
        ("# only a comment\n", ["the file is empty"]),
        (GOOD + "--- \nlane: words\n", [":3:1: a second YAML document"]),
        ("lane: !!python/object:os.system words\n", [":1:7: the tag"]),
        ("lane: &a [*a]\n", ["contains itself"]),
        ("lane: *a\n", [""]),
        ("lane: words\nwords: " + "[" * 100_000, ["nested deeper"]),
        ("lane: words\nwords: \x00\n", ["not YAML"]),
        ("lane: words\nsizes: {a: " + "9" * 5000 + "}\n", ["5000 digits"]),
    ],
)
def test_a_wrong_suite_says_what_and_where(load, text, parts):
    message = said(load, text)
    for part in parts:
        assert part in message, message


def test_a_rule_about_several_keys_shows_no_suite(load):
    assert said(load, GOOD + "first: 3\nlast: 2\n").endswith(":1:1: first is above last")


@pytest.mark.parametrize("name", ["toolgen", "spec", "dsl", "kernel"])
def test_the_rules_of_a_lane_are_about_one_key_so_that_a_problem_has_its_place(name):
    waiting, seen = [Registry().lanes[name].options], set()
    while waiting:
        model = waiting.pop()
        seen.add(model)
        assert not model.__pydantic_decorators__.model_validators, model
        parts = [info.annotation for info in model.model_fields.values()]
        while parts:
            part = parts.pop()
            parts += get_args(part)
            if isinstance(part, type) and issubclass(part, BaseModel) and part not in seen:
                waiting.append(part)
    assert Schedule in seen


def test_a_rule_of_a_lane_shows_its_key(load, tmp_path):
    path = tmp_path / "b.suite.yaml"
    path.write_text("lane: toolgen\ntool: x\ncandidates: c/*.py\njitter_ms: [5, 1]\n")
    with pytest.raises(SuiteError) as caught:
        load_suite(path, name="b", lanes=Registry().lanes, settings=settle(tmp_path))
    assert str(caught.value) == (f"{path}:4:1: jitter_ms: the shorter pause comes first, not 5 before 1 (it is [5, 1])")


def test_all_problems_of_a_file_come_at_once(load):
    message = said(load, "lane: words\nword: a\nattempts: 0\nrequire: [gpuu]\nexpect: {a: b}\n")
    assert message.startswith("4 problems:")
    assert [f":{line}:" in message for line in (2, 3, 4, 5)] == [True] * 4


def test_bytes_that_are_no_text(load):
    assert ":2:3: byte 0xff is not UTF-8" in said(load, "", data=b"lane: x\nab\xff")


def test_a_file_that_is_too_large(load):
    assert "more than" in said(load, "", data=b"#" * (MAX_BYTES + 1))


def test_aliases_cannot_explode(load):
    lines = ["a: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "expand to more than" in said(load, "\n".join(lines))


def test_a_folder_and_a_missing_file(tmp_path):
    for name, text in (("d", "directory"), ("missing", "cannot be read")):
        (tmp_path / "d").mkdir(exist_ok=True)
        with pytest.raises(SuiteError, match=text):
            read_document(tmp_path / name)


def test_a_suite_that_names_a_folder_for_a_file(load, tmp_path):
    suite = load("lane: words\nwords: good\n")
    (tmp_path / "there").mkdir()
    with pytest.raises(SuiteError, match="'there' is a folder") as caught:
        suite.resolve("there", "words")
    assert ":2:" in str(caught.value)
    assert suite.resolve("there", "words", allow_folder=True) == (tmp_path / "there").resolve()


@pytest.mark.parametrize(
    ("pattern", "fix"),
    [
        ("words/godo.txt", "did you mean 'good.txt'? (in "),
        ("wrods/*.txt", "did you mean 'words'? (in "),
        ("words/../wrods/good.txt", "did you mean 'words'? (in "),
        ("words/*.md", "put one into "),
        ("elsewhere/x.txt", "create "),
        (f"words/{'x' * 300}/*.txt", "create "),
    ],
)
def test_a_path_that_does_not_exist_is_told_with_the_nearest_name(load, tmp_path, pattern, fix):
    (tmp_path / "words").mkdir()
    (tmp_path / "words/good.txt").write_text("x")
    suite = load("lane: words\nwords: x\n")
    for find in (suite.glob, *([] if "*" in pattern else [suite.resolve])):
        with pytest.raises(SuiteError) as caught:
            find(pattern, "words")
        assert caught.value.fix.startswith(fix)
        assert ".." not in caught.value.fix


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_nobody_may_read(tmp_path):
    path = tmp_path / "a.suite.yaml"
    path.touch(mode=0)
    with pytest.raises(SuiteError, match="cannot be read"):
        read_document(path)


def test_a_file_that_changes_is_read_again(tmp_path):
    path = tmp_path / "a.suite.yaml"
    path.write_text("a: 1")
    assert read_document(path).value == {"a": 1}
    path.write_text("a: 22")
    assert read_document(path).value == {"a": 22}


def test_scalars_follow_yaml_1_2():
    values = {
        "yes": "yes", "12:30": "12:30", "2024-01-01": "2024-01-01", "1e-3": 0.001, "1_000": "1_000", "0x10": 16,
        "0o17": 15, "017": 17, "~": None, "True": True, "-.inf": float("-inf"), "'1'": "1", ".5": 0.5, "+1": 1,
    }  # fmt: skip
    for text, value in values.items():
        assert _value(text) == value, text
        assert type(_value(text)) is type(value), text


def _value(text):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        path.write_text(f"v: {text}\n", "utf-8")
        return read_document(path).value["v"]


def test_merge_keys(load):
    suite = load("lane: words\nwords: a\nsizes: {<<: {a: 1, b: 2}, b: 3}\n")
    assert suite.options.sizes == {"a": 1, "b": 3}


def test_expectations_reach_their_cases(load):
    suite = load(GOOD + "expect: {wrong: wrong}\n")
    cases = {case.name: case for case in collect_cases(suite, LANES["words"])}
    assert cases["wrong"].policy.expect is Status.WRONG
    assert cases["good"].policy.expect is None


def test_an_expectation_of_no_case_names_the_nearest(load):
    suite = load(GOOD + "expect: {wong: wrong}\n")
    with pytest.raises(SuiteError, match=r":3:10: `expect` names no case 'wong'; did you mean 'wrong'\?"):
        collect_cases(suite, LANES["words"])


def test_two_cases_of_one_name(load, monkeypatch):
    monkeypatch.setattr(Words, "names", ("good", "good"))
    with pytest.raises(SuiteError, match="two cases are named 'good'"):
        collect_cases(load(GOOD), LANES["words"])


def test_a_suite_without_cases(load, monkeypatch):
    monkeypatch.setattr(Words, "names", ())
    with pytest.raises(SuiteError, match="no case"):
        collect_cases(load(GOOD), LANES["words"])


def check_place(error):
    assert "a.suite.yaml" in str(error)


KEYS = (
    st.sampled_from(["lane", "words", "attempts", "expect", "gates", "budget", "tags", "require", "sizes"]) | st.text()
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("words"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
QUICK = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@QUICK
@given(st.dictionaries(KEYS, VALUES, max_size=6).map(lambda d: {"lane": "words", "words": "x", **d}))
def test_any_mapping_gives_a_suite_or_a_suite_error(load, value):
    for text in (json.dumps(value), yaml.safe_dump(value, allow_unicode=True)):
        try:
            assert isinstance(load(text), Suite)
        except SuiteError as error:
            check_place(error)


@QUICK
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_give_a_suite_or_a_suite_error(load, data):
    try:
        assert isinstance(load("", data=data), Suite)
    except SuiteError as error:
        check_place(error)


@QUICK
@given(st.text(alphabet="abl: -[]{}&*!|>'\"#%@`,?\n\t~<=\\", max_size=80))
def test_yaml_like_noise_gives_a_suite_or_a_suite_error(load, text):
    try:
        load(text)
    except SuiteError as error:
        check_place(error)


def test_a_file_name_that_cannot_be_shown_is_a_name_all_the_same(load, tmp_path):
    """Nobody can print, record or send it; it must not take its neighbours with it."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "good.txt").touch()
    for name in (os.fsdecode(b"bad\xff"), "\n\x1b[1A\x1b]0;x\x07", "\u202egpj", "::error::x", "##[error]x", "é ok"):
        (tmp_path / "a" / f"{name}.txt").touch()
    found = load(GOOD).glob("a/*.txt")
    assert [path.name for path in found] == [
        "\\n\\x1b[1A\\x1b]0;x\\x07.txt",
        "\\u202egpj.txt",
        "\\x23\\x23\\x5berror]x.txt",
        "\\x3a\\x3aerror\\x3a\\x3ax.txt",
        "bad\\xff.txt",
        "good.txt",
        "é ok.txt",
    ]
    assert all("its file name is not printable UTF-8" in read_source(one).why for one in found[:5])


def test_a_file_behind_a_linked_folder_is_not_a_candidate(load, tmp_path):
    """The link is: it is refused as a linked file is, and one candidate stays one."""
    for folder in ("a/mine", "secret/deep", "other"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.txt").write_text("x")
    (tmp_path / "a" / "out").symlink_to("../secret")
    (tmp_path / "a" / "same").symlink_to("mine")
    (tmp_path / "named").symlink_to("other")
    suite = load(GOOD)
    found = suite.glob(("a/*/x.txt", "a/*/*/x.txt"))
    assert [path.relative_to(tmp_path.resolve()).as_posix() for path in found] == ["a/mine/x.txt", "a/out", "a/same"]
    assert "symbolic link" in read_source(found[1]).why
    assert [path.name for path in suite.glob("named/*.txt")] == ["x.txt"]  # the suite's author wrote this name
    assert len(suite.glob("a/*/x.txt", follow_links=True)) == 2


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a directory"])
def test_what_is_not_a_plain_file_is_refused_and_not_waited_for(tmp_path, kind):
    path = tmp_path / "x.yaml"
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(SuiteError, match=r"a directory|not a plain file"):
        read_document(path)
