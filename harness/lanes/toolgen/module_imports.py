"""Module imports: the modules that a candidate's text imports, and those of them that its tool does not list."""

from __future__ import annotations

import ast
from encodings import aliases, normalize_encoding

from harness.lanes.toolgen.static_check import Violation
from harness.lanes.toolgen.syntax_walk import descendants
from harness.sandbox.importable import is_importable, present

MAX_CODECS = 32  # codecs that a box loads for one candidate
_CODEC_WORDS = ("ncod", "decod", "codec", "bytes(")
_OTHER_CODECS = frozenset({"idna", "punycode", "utf_8_sig", "unicode_escape", "raw_unicode_escape"})
_HOW = "it is not among the modules that a candidate of this tool may import; the tool's allow_imports adds modules"


def module_imports(tree: ast.Module, text: str, listed: frozenset[str]) -> tuple[list[str], list[Violation]]:
    """The modules that a box loads for a candidate, since it loads none later, and the imports that are not listed.

    Those below `if __name__ == "__main__":` are neither: a box does not execute them, and there any import of a module
    that it has not loaded is an event.

    Args:
        listed: The names that may be imported (see `importable`).
    """
    nodes = descendants(tree)
    of_program = {id(node) for block in tree.body if _is_main(block) for node in descendants(block)}
    names: dict[str, None] = {}
    found: dict[tuple[str, int], Violation] = {}
    for node in nodes:
        if not isinstance(node, ast.Import | ast.ImportFrom) or (isinstance(node, ast.ImportFrom) and node.level):
            continue
        if id(node) in of_program:
            continue
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for module in modules:
            if is_importable(module, listed):
                names[module] = None
            else:
                where = (node.lineno, node.col_offset + 1)
                found[(module, node.lineno)] = Violation(module, *where, f"import of {module}", _HOW)
        if isinstance(node, ast.ImportFrom):
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            is_standard = below[0].partition(".")[0] in present()
            names.update(dict.fromkeys(name for name in below if is_standard and is_importable(name, listed)))
    if "strptime" in text:
        names["_strptime"] = None
    if any(word in text for word in _CODEC_WORDS):
        names.update(dict.fromkeys(_codecs(nodes)[:MAX_CODECS]))
    return list(names), list(found.values())


def _is_main(node: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":` without another branch."""
    match node:
        case ast.If(
            test=ast.Compare(left=ast.Name("__name__"), ops=[ast.Eq()], comparators=[ast.Constant("__main__")]),
            orelse=[],
        ):
            return True
    return False


def _codecs(nodes: list[ast.AST]) -> list[str]:
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    short = {normalize_encoding(one.lower()) for one in strings if one.isascii() and 2 < len(one) <= 20}
    known = {aliases.aliases.get(one, one) for one in short}
    return sorted(f"encodings.{one}" for one in known & (_OTHER_CODECS | set(aliases.aliases.values())))
