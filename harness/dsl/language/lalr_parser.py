"""LALR parser: made from `grammar.lark`; its tables are kept where Python keeps the byte code of this package.

Building the tables takes 0.3 s of CPU time, loading them 0.02 s. They are a pickle, which is as trusted as the byte
code in the same folder: the users who may replace one may replace the other. No temporary folder is ever read.
"""

from __future__ import annotations

import contextlib
import io
import sys
from functools import cache
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path

import lark

from harness.core.replaced_file import replace_file
from harness.dsl.language.builder import Builder
from harness.dsl.language.lexer import TokenList

GRAMMAR = Path(__file__).with_name("grammar.lark")
KEPT = Path(cache_from_source(__file__)).with_suffix(".lalr")


@cache
def lalr_parser() -> lark.Lark:
    """The parser of the language."""
    return load_or_build(GRAMMAR.read_bytes(), KEPT)


def load_or_build(grammar: bytes, kept: Path) -> lark.Lark:
    """The parser from the tables in a file, if they are those of this grammar and this Lark; else it is built.

    A built one is written there, unless Python is told to keep no byte code or the folder is read-only.
    """
    digest = sha256(lark.__version__.encode() + b"\0" + grammar).digest()
    # `Exception`, because unpickling raises any: then the file is damaged, or of an older Crucible.
    with contextlib.suppress(Exception):
        found = kept.read_bytes()
        if found.startswith(digest):
            return lark.Lark.load(io.BytesIO(found[len(digest) :]))
    built = lark.Lark(
        grammar.decode(),
        parser="lalr",
        lexer=TokenList,
        start="module",
        transformer=Builder(),
        maybe_placeholders=False,
        propagate_positions=False,
    )
    if not sys.dont_write_bytecode:
        tables = io.BytesIO()
        built.save(tables)
        with contextlib.suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            replace_file(kept, digest + tables.getvalue(), mode=0o644)
    return built
