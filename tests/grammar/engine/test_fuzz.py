"""Random valid grammars on random bytes: a consistent result and no exception."""
# ruff: noqa: E501 - one case a line

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar.engine.limits import Limits
from harness.grammar.engine.parser import parse
from harness.grammar.engine.session import Session
from harness.grammar.engine.tally import tally
from harness.grammar.language.lint import lint_value

TYPES = (
    "A",
    "B",
    "u8",
    "i16le",
    "u24",
    "f32",
    "b3",
    "b5le",
    "flag",
    "leb128",
    "sleb128",
    "vlq",
    "bytes",
    "string",
    "Nope",
)
EXPRESSIONS = (
    0, 1, 2, 5, 1 << 63, "x", "y", "x + 1", "x - y", "x / y", "x * x * x", "1 << x", "_io.size", "_io.pos", "_io.size - _io.pos",
    "_parent.x", "_root.y", "_index", "_", "_ == 0", "x > 3 ? 1 : 0", "z.size", "z.first", "sizeof(x)", "end_of(y)",
    "exists(y) ? 1 : 2", "read_u8(x)", "z[x]", "x.to_s.to_i", "__class__", "-1", "z.to_s('ascii').size",
)  # fmt: skip
expression = st.sampled_from(EXPRESSIONS)
names = st.sampled_from(["x", "y", "z", "w", "__class__", "self", "None"])
fields = st.fixed_dictionaries(
    {"name": names, "type": st.sampled_from(TYPES)},
    optional={
        "length": st.one_of(expression, st.just("rest"), st.just({"prefix": "u8"})),
        "terminator": st.sampled_from([0, [0, 0], 65]),
        "require_terminator": st.booleans(),
        "include": st.booleans(),
        "consume": st.booleans(),
        "pad": st.sampled_from([0, 32]),
        "repeat": st.one_of(expression, st.just("rest")),
        "until": expression,
        "if": expression,
        "at": expression,
        "offset": expression,
        "skip": expression,
        "align": expression,
        "encoding": st.sampled_from(["ascii", "utf-16le", "shift_jis"]),
        "process": st.sampled_from(["zlib", "xor(x)", "xor([1, 2])", "rol(3)", ["ror(1)", "deflate"]]),
        "validate": st.sampled_from(
            [{"equals": 1}, {"min": 3}, {"expr": "_ != 2"}, {"all_bytes": 0}, {"one_of": [1, 2]}]
        ),
        "checksum": st.sampled_from([{"algorithm": "crc32", "over": ["x"]}, {"algorithm": "xor8", "of": "z"}]),
        "switch": st.sampled_from(
            [{"by": "x", "cases": {1: "A", 2: "B", 3: "u16"}}, {"by": "y", "cases": {0: "u8"}, "default": "B"}]
        ),
    },
)
kept = ("name", "type", "length", "terminator", "repeat", "if", "at")
types = st.fixed_dictionaries(
    {"fields": st.lists(fields, min_size=1, max_size=4)},
    optional={
        "instances": st.lists(fields, max_size=2),
        "endian": st.sampled_from(["big", "little", {"by": "x", "cases": {1: "big"}, "default": "little"}]),
        "bit_order": st.sampled_from(["big", "little"]),
    },
)
documents = st.fixed_dictionaries(
    {"endian": st.sampled_from(["big", "little"]), "types": st.fixed_dictionaries({"A": types, "B": types})},
    optional={"framing": st.sampled_from([{"repeat": "once"}, {"repeat": "until_eof"}])},
)
LIMITS = Limits(records=300, items=2_000, steps=20_000, seconds=20, inflated=10_000, errors=50)


def repaired(document: dict[str, Any]) -> Any:
    """Remove the keys that lint rejects, one by one, until the grammar passes."""
    for _ in range(60):
        lint = lint_value(document)
        if lint.grammar is not None:
            return lint.grammar
        path = lint.errors[0].path
        here: Any = document
        for part in path[:4]:
            try:
                here = here[part]
            except (KeyError, IndexError, TypeError):
                break
        if not isinstance(here, dict) or "name" not in here:
            return None
        key = path[4] if len(path) > 4 else None
        if key in here and key not in ("name", "type"):
            del here[key]
        elif here.get("type") in ("bytes", "string") and "length" not in here and "terminator" not in here:
            here["length"] = "rest"
        else:
            extra = [k for k in here if k not in kept]
            here.pop(extra[0]) if extra else here.update(name=f"n{len(str(document))}", type="u8")
            for k in ("length", "terminator", "repeat", "if", "at"):
                if not extra:
                    here.pop(k, None)
    return None


@given(documents, st.binary(max_size=60))
@settings(max_examples=120, deadline=None)
def test_every_grammar_reads_every_file(document: dict[str, Any], data: bytes) -> None:
    grammar = repaired(document)
    if grammar is None:
        return
    found = parse(grammar, data, limits=LIMITS)
    covered = sum(end - start for start, end in found.covered)
    assert covered + sum(end - start for start, end in found.gaps) == len(data)
    assert all(0 <= span.start < span.end <= len(data) for span in found.leaves())
    assert all(0 <= error.offset <= len(data) and error.path and error.expected for error in found.errors)
    assert 0 <= found.stopped_at <= len(data)
    again = parse(grammar, data, limits=LIMITS)
    assert tally(again).to_wire() == tally(found).to_wire()
    Session(data).tally(grammar, limits=LIMITS)
