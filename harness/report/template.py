"""Template: what the page's templates may call, and their byte code, which is kept as Python keeps that of a module."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from functools import lru_cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import jinja2
import jinja2.compiler
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from harness.core.digest import short
from harness.report import boards, rerun, words
from harness.report.charts import score_bar
from harness.report.charts.figure import figure
from harness.report.glossary import GLOSSARY, Linker
from harness.report.markup import breakable, coded, content, differing, element, made

FOLDER = Path(__file__).with_name("templates")
CLIPPED = 2000  # characters of one value; evidence is clipped already, a lane's facts may not be


class _ByteCode(jinja2.FileSystemBytecodeCache):
    """Compiled templates: in memory, and in a file of `__pycache__` unless Python writes none or cannot.

    Compiling takes ten times as long as rendering a small page.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(
            str(Path(cache_from_source(str(folder / "_.py"))).parent), f"%s.{sys.implementation.cache_tag}"
        )
        # What else the code depends on: the options of `environment`, and the compiler. Jinja checks Python's version.
        files = (Path(__file__), Path(jinja2.compiler.__file__))
        self._compiler = "".join(f"{found.st_mtime_ns},{found.st_size};" for found in (file.stat() for file in files))
        self._codes: dict[tuple[str, str], Any] = {}

    def get_source_checksum(self, source: str) -> str:
        return hashlib.sha256((self._compiler + source).encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))
        if bucket.code is None:
            with contextlib.suppress(Exception):  # not readable, or not whole: it is compiled again
                super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                Path(self.directory).mkdir(parents=True, exist_ok=True)
                super().dump_bytecode(bucket)


_LOADER, _COMPILED = jinja2.FileSystemLoader(FOLDER), _ByteCode(FOLDER)


def environment() -> jinja2.Environment:
    """What the templates of one page may call; a page adds what only it knows."""
    found = jinja2.Environment(
        loader=_LOADER,
        bytecode_cache=_COMPILED,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    found.filters.update(
        score=words.score,
        measured=words.measured,
        ms=words.milliseconds,
        delta=lambda d: words.delta(d["score"], edited=not d["same_digest"]),
        candidate=words.candidate,
        style=words.style,
        bound=words.failure_rate,
        limit=words.limit,
        breakable=breakable,
        differing=differing,
        coded=coded,
        verdict=words.verdict,
        short=short,
        quoted=rerun.quote,
        moment=moment,
        tail=rerun.tail,
        duration=_duration,
        counted=words.count,
        long=lambda text: made(content(words.printable(text))),
    )
    found.globals.update(
        chip=chip,
        command=command,
        figure=figure,
        gate_reason=words.gate_reason,
        without_case=words.without_case,
        spark=score_bar.spark,
        bullet=lambda observed, threshold, passed: score_bar.bullet(observed, threshold, passed=bool(passed)),
        stacked=lambda parts, total: score_bar.stacked(tuple(part[:2] for part in parts if part[3]), total),
        HEADS=boards.HEADS,
        Linker=Linker,
        GLOSSARY=GLOSSARY,
        explained=boards.explained,
        NUMERIC=boards.NUMERIC,
        cell=boards.cell,
        same=boards.same,
    )
    return found


@lru_cache(maxsize=64)
def chip(status: str) -> Markup:
    """A status as a chip."""
    return element("span", status, class_=f"chip chip-{status}")


def command(text: str, known: str = "") -> Markup:
    """A command to copy; its options are shortened where they are those of a command that stands above it."""
    end = rerun.tail(text)
    if not end or end != known:
        return made(f'<span class="command"><code>{_words(text)}</code></span>')
    name, end = _words(text[: -len(end) - 1]), escape(words.printable(end))
    return made(f'<span class="command"><code>{name} <span class="tail" title="{end}">{end}</span></code></span>')


def _words(text: str) -> str:
    return " ".join(map(_word, text.split(" ")))


@lru_cache(maxsize=1024)  # the commands of a page differ in one word
def _word(text: str) -> str:
    return f"<span>{breakable(text)}</span>"


def _visible(value: Any) -> Any:
    """Replace control characters, lone surrogates and direction marks by visible escapes."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = value if len(value) <= CLIPPED else f"{value[: CLIPPED - 1]}…"
    if text.isprintable():
        return words.printable(text)
    return "\n".join(words.printable(line) for line in text.split("\n"))


def moment(stamp: str) -> str:
    """A moment of the ledger, to the second."""
    return f"{stamp[:19].replace('T', ' ')} UTC" if stamp else words.NOTHING


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "not finished"
    minutes, rest = divmod(round(seconds), 60)
    return f"{seconds:.1f} s" if seconds < 60 else f"{minutes} min {rest} s"
