"""Generator of grammars over the constructs of the language, most of them made to look right on any bytes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NUMBERS = ("u8", "u16", "u16le", "u24", "u32", "i8", "i16", "f32", "u64", "leb128", "vlq", "b1", "b2", "b4")
FIXED = (*NUMBERS[:9], "b1", "b2", "b4")
ENCODINGS = ("ascii", "utf-8", "latin-1", "cp437", "cp1251", "utf-16le", "shift_jis", "gb18030", "utf-32le")
AHEAD = (
    "read_u8(_io.pos)", "read_u8(_io.pos) >> 4", "read_u8(_io.pos + 1)", "read_u16(_io.pos)", "read_u8(_io.pos) & 1",
    "ahead", "told", "near",
)  # fmt: skip
INSTANCES: dict[str, dict[str, Any]] = {
    "ahead": {"name": "ahead", "type": "u8", "at": "_io.pos"},
    "told": {"name": "told", "compute": "read_u8(_io.pos)"},
    "near": {"name": "near", "compute": "[read_u8(_io.pos)][0]"},
}
CONSTANT = {"name": "constant", "compute": "1", "validate": {"equals": 1}}
CHECKS: tuple[dict[str, Any], ...] = (
    {"range": [0, 127]}, {"range": [128, 255]}, {"range": [32, 126]}, {"range": [0, 15]}, {"equals": 65}, {"min": 0},
    {"max": 127}, {"one_of": list(range(64))}, {"equals": "ahead"}, {"equals": "near"}, {"equals": "told"},
    {"equals": "read_u8(_io.pos - 1)"}, {"equals": "_io.size"}, {"expr": "_ >= 0"},
)  # fmt: skip
KEYS = ("xor(0x55)", "xor(read_u8(_io.pos) ^ 65)", "xor(ahead)", "rol(1)", "deflate")
rarely = st.sampled_from((False, False, False, False, True))


@st.composite
def conditions(draw: Any, values: tuple[str, ...]) -> str:
    value = draw(st.sampled_from(values))
    test = draw(st.sampled_from(("> 127", "< 128", "== 65", ">= 32 and {} < 127", "< 16", "% 2 == 0")))
    stream = ("_io.size - _io.pos > 4", "_io.pos % 2 == 0")
    return str(draw(st.sampled_from((f"{value} {test}".format(value), f"{value} {test}".format(value), *stream))))


@st.composite
def amounts(draw: Any, values: tuple[str, ...]) -> str:
    value = draw(st.sampled_from(values))
    usual = ("1", "2", "3", "4", "8", "16", "rest")
    odd = ("{}", "{}", "_parent.f0", "{} * 0 + 2", "{} & 1", "{} / 128", "{} % 3", "{} & 7", "{} > 127 ? 1 : 2")
    return draw(st.sampled_from((*usual, *(form.format(value) for form in odd))))


@st.composite
def fields(draw: Any, name: str, numbers: tuple[str, ...], types: tuple[str, ...]) -> dict[str, Any]:
    """A field that may use earlier numbers of its type and later types."""
    values = (*AHEAD, *numbers)
    kind = draw(st.sampled_from((*NUMBERS, *("bytes", "string") * 3, *types * 2)))
    made: dict[str, Any] = {"name": name, "type": kind}
    if kind in types:
        made["type"] = f"{kind}({draw(st.sampled_from(('1', *values)))})"
    if kind == "string":
        made["encoding"] = draw(st.sampled_from(ENCODINGS))
    ended = kind in ("bytes", "string") and draw(st.booleans())
    if ended:
        made |= {"terminator": draw(st.sampled_from((0, 10, 65, 255))), "require_terminator": draw(st.booleans())}
    sized = kind in ("bytes", "string") and (not ended or draw(st.booleans()))
    if sized or (kind in types and draw(st.booleans())) or (kind in ("leb128", "vlq") and draw(rarely)):
        made["length"] = draw(amounts(values))
        if kind not in NUMBERS and draw(rarely):
            made["process"] = draw(st.sampled_from(KEYS))
    if draw(rarely):
        made["if"] = draw(conditions(values))
    if draw(rarely):
        how = draw(st.sampled_from(("repeat", "until")))
        made[how] = draw(amounts(values) if how == "repeat" else conditions(values))
    if types and draw(rarely):
        by = draw(
            st.sampled_from(("read_u8(_io.pos) >> 7", "read_u8(_io.pos) >> 6", "ahead >> 7", "near / 64", *numbers))
        )
        made["switch"] = {"by": by, "cases": {i: f"{other}({i})" for i, other in enumerate(types[:4])}}
    if kind in NUMBERS and draw(rarely):
        made["validate"] = draw(st.sampled_from(CHECKS))
    if kind == "bytes" and numbers and draw(rarely):
        made |= {"type": "u8", "checksum": {"algorithm": "xor8", "of": draw(st.sampled_from(('""', "[1, 2]")))}}
        made = {key: made[key] for key in ("name", "type", "checksum")}
    if draw(rarely) and draw(rarely):
        made["at"] = draw(st.sampled_from(("_io.pos", "0", "_io.pos - 1", "4", *numbers)))
    return made


@st.composite
def types_of(draw: Any) -> dict[str, Any]:
    """Up to four types; the first is named W and uses the others."""
    names = ("W", "T1", "T2", "T3")[: draw(st.integers(1, 4))]
    found: dict[str, Any] = {}
    for at, name in enumerate(names):
        listed: list[dict[str, Any]] = []
        numbers: tuple[str, ...] = ("p",) if at else ()
        for i in range(draw(st.integers(1, 4))):
            made = draw(fields(f"f{i}", numbers, names[at + 1 :]))
            listed.append(made)
            if made["type"] in FIXED and not {"if", "repeat", "until", "at", "switch"} & made.keys():
                numbers = (*numbers, made["name"])
        for k in range(1, draw(st.sampled_from((1, 1, 2, 5, 12)))):
            listed += [{**made, "name": f"{made['name']}_{k}"} for made in listed if "_" not in made["name"]]
        instances = [made for key, made in INSTANCES.items() if key in str(listed)]
        instances += [CONSTANT] * draw(rarely)
        found[name] = {"params": ["p"] if at else [], "fields": listed, "instances": instances}
        if draw(rarely) and draw(rarely):
            found[name]["endian"] = {"by": "read_u8(_io.pos) >> 7", "cases": {0: "big", 1: "little"}}
    return found
