"""Bundles: the files of a hand-off, and hand-offs in the tournament's JSON."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.core.digest import digest_bytes, short
from harness.core.errors import CrucibleError, UsageError
from harness.core.named_path import named_path
from harness.core.replaced_file import replace_file
from harness.lane.pinned_file import FileFaultError, read_plain_file
from harness.lanes.toolgen.source import MAX_BYTES
from harness.lanes.toolgen.tool_spec import read_tool
from harness.ledger.handoffs import Handoff

KEYS = ("ts", "source", "spec_path", "bundle_dir", "epoch", "impl_style", "reason", "metrics")
"""The keys of a hand-off of the ToolGen tournament."""
MAX_EPOCH = 10**9
MAX_JSON_BYTES = 1 << 20
_CANDIDATES = ("tool.py", "tool/tool.py")


class InvalidHandoffError(Exception):
    """A hand-off that can never be repaired as it is; the message is one sentence."""


def candidate_of(one: Handoff) -> tuple[Path, bytes]:
    """The candidate's file and its bytes, which are still those that failed.

    Raises:
        InvalidHandoffError: if the bundle vanished, changed, is a link or cannot be read.
    """
    path = _path(one.payload, "candidate")
    _refuse_links(path)
    try:
        data = read_plain_file(path, max_bytes=MAX_BYTES)
    except FileFaultError as fault:
        raise InvalidHandoffError(f"{path}: {fault}") from None
    if digest_bytes(data) != one.digest:
        raise InvalidHandoffError(f"{path}: the candidate changed since it was handed off")
    return path, data


def spec_of(one: Handoff) -> tuple[Path, int]:
    """The suite or tool by which a candidate is judged, and the epoch.

    Raises:
        InvalidHandoffError: if the payload names none, or the epoch is not a count.
    """
    suite = one.payload.get("suite")
    path = Path(suite) if isinstance(suite, str) else Path()
    if (named := named_path(path, "")) is None or not named.is_file():
        path = _path(one.payload, "spec_path")
    if named_path(path, "") is None:
        raise InvalidHandoffError(f"Spec file not found: {path}")
    return path, _epoch(one.payload)


def challenger_path(parent: Path, source: bytes) -> Path:
    """Where the repaired bytes are stored: next to the parent, under another name."""
    return parent.with_name(f"{parent.stem.partition('_fixed_')[0]}_fixed_{digest_bytes(source)[:8]}.py")


def find_equal(parent: Path, source: bytes) -> Path | None:
    """A candidate next to the parent that has the repaired bytes already."""
    for path in sorted(parent.parent.glob("*.py")):
        try:
            if read_plain_file(path, max_bytes=MAX_BYTES) == source:
                return path
        except FileFaultError:
            continue
    return None


def write_challenger(path: Path, source: bytes) -> None:
    """Write the repaired bytes, all or nothing, and through no link: the folder is that of an untrusted candidate.

    Raises:
        OSError: if they cannot be written.
    """
    replace_file(path, source, mode=0o644)


def handoff_for(spec: Path, candidate: Path, *, source: str, epoch: int, **more: Any) -> Handoff:
    """The hand-off of a candidate in a file.

    Args:
        source: Who hands it off.
        epoch: The epoch of the budget that it is judged by.
        more: Further keys of the payload.

    Raises:
        InvalidHandoffError: if the candidate cannot be read.
        SpecError: if the tool is wrong.
    """
    try:
        data = read_plain_file(candidate, max_bytes=MAX_BYTES)
    except FileFaultError as fault:
        raise InvalidHandoffError(f"{candidate}: {fault}") from None
    tool = read_tool(spec)
    payload = {
        "ts": time.time(),
        "source": source,
        "spec_path": str(spec.absolute()),
        "bundle_dir": str(candidate.absolute().parent),
        "epoch": epoch,
        "impl_style": "",
        "reason": "toolgen_incorrect",
        "metrics": {},
        "candidate": str(candidate.absolute()),
        **more,
    }
    return Handoff(
        lane="toolgen",
        tool=tool.spec.tool_id,
        tool_digest=tool.digest,
        digest=digest_bytes(data),
        reason=str(payload["reason"]),
        payload=payload,
    )


def read_handoffs(paths: Iterable[Path]) -> tuple[list[Handoff], list[str]]:
    """The hand-offs in JSON files (of a folder, all `*.json`), and a sentence for each file that holds none."""
    found, problems = [], []
    for given in paths:
        for path in sorted(given.glob("*.json")) if given.is_dir() else [given]:
            try:
                found.append(_read(path))
            except InvalidHandoffError as error:
                problems.append(f"{path}: {error}")
            except CrucibleError as error:
                problems.append(f"{path}: {error.what} ({error.where})")
    return found, problems


def write_handoffs(waiting: Iterable[Handoff], folder: Path) -> list[Path]:
    """Write hand-offs as JSON files, each with its bundle.

    Raises:
        UsageError: if the folder cannot be written.
        InvalidHandoffError: if a candidate cannot be read any more.
    """
    written = []
    for one in waiting:
        _, data = candidate_of(one)
        name = f"handoff_{short(one.handoff_id)}"
        bundle = folder.absolute() / name
        values = {key: one.payload.get(key) for key in KEYS} | {"bundle_dir": str(bundle)}
        path = folder / f"{name}.json"
        try:
            bundle.mkdir(parents=True, exist_ok=True)
            (bundle / "tool.py").write_bytes(data)
            path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"it cannot be written: {error.strerror}", where=str(path)) from None
        written.append(path)
    return written


def _read(path: Path) -> Handoff:
    try:
        value = json.loads(read_plain_file(path, max_bytes=MAX_JSON_BYTES), parse_constant=_refuse)
    except FileFaultError as fault:
        raise InvalidHandoffError(str(fault)) from None
    except (ValueError, RecursionError) as error:
        raise InvalidHandoffError(f"it is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidHandoffError("a hand-off is a JSON object")
    missing = [key for key in ("spec_path", "bundle_dir") if not isinstance(value.get(key), str)]
    if missing:
        raise InvalidHandoffError(f"the key {missing[0]} is missing, or is not a string")
    metrics = value.get("metrics", {})
    if not isinstance(metrics, dict) or not all(_is_number(one) for one in metrics.values()):
        raise InvalidHandoffError("metrics is not an object of numbers")
    spec, bundle = Path(value["spec_path"]), Path(value["bundle_dir"])
    if named_path(spec, "") is None:
        raise InvalidHandoffError(f"Spec file not found: {spec}")
    found = [bundle / name for name in _CANDIDATES if named_path(bundle, name) is not None]
    candidate = found[0] if found else bundle / _CANDIDATES[0]
    _refuse_links(candidate)
    known = {key: value[key] for key in KEYS if key in value and key not in ("spec_path", "bundle_dir")}
    return handoff_for(
        spec, candidate, **{**known, "source": str(value.get("source", "import")), "epoch": _epoch(value)}
    )


def _refuse_links(candidate: Path) -> None:
    nested = Path(_CANDIDATES[1]).parent.name
    for folder in (candidate.parent, *([candidate.parents[1]] if candidate.parent.name == nested else [])):
        if named_path(folder, "") is not None and folder.is_symlink():
            raise InvalidHandoffError(f"{folder}: the bundle is a symbolic link")


def _path(payload: Any, key: str) -> Path:
    value = payload.get(key)
    if not isinstance(value, str) or not value or "\0" in value:
        raise InvalidHandoffError(f"its payload has no path {key!r}")
    return Path(value)


def _epoch(payload: Any) -> int:
    epoch = payload.get("epoch", 0)
    if type(epoch) is not int or not 0 <= epoch <= MAX_EPOCH:
        raise InvalidHandoffError(f"epoch {epoch!r} is not an integer from 0 to {MAX_EPOCH}")
    return epoch


def _is_number(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and abs(value) < math.inf)


def _refuse(text: str) -> Any:
    msg = f"{text} is not a JSON number"
    raise ValueError(msg)
