"""Bundle: a suspended run as one zip file for any machine: program, events, blobs, work files, questions."""

from __future__ import annotations

import contextlib
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from harness.core.errors import UsageError
from harness.core.frozen import Frozen
from harness.dsl.eventlog.canonical import encode
from harness.dsl.eventlog.chain import blob_address
from harness.dsl.eventlog.durability import Durability
from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.eventlog.runlog import Files, StoredEvent
from harness.dsl.machine.file_versions import Kept
from harness.dsl.machine.run_files import LOG, WORK
from harness.dsl.machine.seeds import ENGINE
from harness.dsl.machine.settings import RunSettings
from harness.dsl.tools.fault import ToolFault
from harness.dsl.tools.folder import Folder

if TYPE_CHECKING:
    from harness.dsl.machine.session import Session

FORMAT = 1
MAX_ENTRIES, MAX_BYTES = 20_000, 512 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # entries have no times, so equal runs give equal bundles


class Pending(Frozen):
    """A question that the suspended run of the bundle waits for."""

    id: str
    label: str
    to: str
    role: str
    prompt: str
    answer_schema: dict[str, Any]


class Manifest(Frozen):
    """The description of a bundle's run."""

    format: int
    engine: str
    name: str
    genesis: dict[str, Any]
    settings: dict[str, Any]
    head: str = Field(pattern="^[0-9a-f]{32}$")
    events: int = Field(ge=0)
    status: str
    pending: tuple[Pending, ...]
    used: dict[str, Any]


def pack_run(session: Session, path: Path) -> None:
    """Write an open session's run to a zip file.

    Raises:
        LogError: if the file cannot be written, or the work files are too large.
    """
    outcome, log = session.outcome, session.log
    manifest = Manifest(
        format=FORMAT,
        engine=ENGINE,
        name=log.name,
        genesis=log.genesis_value(),
        settings=session.settings.to_wire(),
        head=outcome.head,
        events=outcome.events,
        status=outcome.status,
        pending=tuple(
            Pending(id=q.id, label=q.label, to=q.to, role=q.role, prompt=q.prompt, answer_schema=dict(q.schema))
            for q in outcome.questions
        ),
        used=outcome.used,
    )
    files = dict(log.files())
    events = b"".join(encode(_line(event, files.get(event.seq))) + b"\n" for event in log.events())
    fresh = path.with_name(path.name + ".new")
    try:
        work = session.handler.folder.files()
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as bundle:
            _add(bundle, "manifest.json", json.dumps(manifest.to_wire(), indent=2, sort_keys=True).encode())
            _add(bundle, "program.spak", session.program.source.encode("utf-8"))
            _add(bundle, "events.jsonl", events)
            for name in session.file.blobs.all():
                _add(bundle, f"blobs/{name}", session.file.blobs.get(bytes.fromhex(name)))
            for name, data in work.items():
                _add(bundle, f"work/{name}", data)
        fresh.replace(path)
    except ToolFault as fault:
        raise LogError(f"the run cannot be bundled: {fault.why}", where=str(path)) from fault
    except OSError as error:
        raise LogError(f"the bundle cannot be written: {error.strerror}", where=str(path), fix="free space") from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def _line(event: StoredEvent, files: Files | None) -> dict[str, Any]:
    """An event in the bundle, with the files that it changed."""
    line: dict[str, Any] = {"body": event.body.decode("ascii"), "hash": event.hash.hex()}
    if event.wall is not None and (b'"name":"tool.wait"' in event.body or b'"k":"armed"' in event.body):
        line["wall"] = event.wall  # needed to continue a timer; other times differ between equal runs
    return line | ({"files": dict(files)} if files else {})


def _wall(entry: dict[str, Any]) -> float | None:
    wall = entry.get("wall")
    if wall is not None and type(wall) is not float:
        raise TypeError("`wall` is not a time")
    return wall


def _files(entry: dict[str, Any]) -> Files:
    found: dict[str, tuple[str, int] | None] = {}
    for path, kept in entry.get("files", {}).items():
        if kept is not None:
            address, mode = kept
            bytes.fromhex(address)
            found[path] = (address, int(mode) & 0o777)
        else:
            found[path] = None
    return found


def _add(bundle: zipfile.ZipFile, name: str, data: bytes) -> None:
    bundle.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)


def unpack_run(path: Path, folder: Path) -> tuple[str, ...]:
    """Create a folder with the run of a bundle, after checking all its hashes.

    A bundle is untrusted: live mode, back end and model are kept, but not the settings that reach out of the box on
    this machine: granted programs, commands, addresses that receive a key, paths.

    Returns:
        Names of the settings that were dropped; the caller may set them again.

    Raises:
        UsageError: if the folder already holds a run.
        LogError: if the file is not a bundle, has a newer version, or is damaged.
    """
    entries = _entries(path)
    manifest = _manifest(entries, path)
    if (folder / LOG).exists():
        raise UsageError("there is a run in this folder", where=str(folder), fix="choose another with --state")
    try:
        settings, left = _portable_settings(RunSettings.from_wire(manifest.settings))
    except (UsageError, ValidationError) as error:
        raise _damaged(path, str(error)) from error
    with LogFile(folder / LOG, durability=settings.durability) as file:
        run = file.create(manifest.name, manifest.genesis, settings=settings.to_wire())
        for name, data in entries.items():
            if name.startswith("blobs/") and file.blobs.put(data).hex() != name.removeprefix("blobs/"):
                raise _damaged(path, f"{name} is damaged")
        recorded: dict[str, Kept | None] = {}
        for number, line in enumerate(entries["events.jsonl"].splitlines()):
            try:
                entry = json.loads(line)
                run.append(entry["body"].encode("ascii"), wall=_wall(entry))
                changed = _files(entry)
                run.attach_files(changed)
                recorded.update(changed)
                head = entry["hash"]
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise _damaged(path, f"event {number} cannot be read") from error
            if run.head.hex() != head:
                raise _damaged(path, f"the chain is broken at event {number}")
        if run.head.hex() != manifest.head or run.seq + 1 != manifest.events:
            raise _damaged(path, "events are missing at its end")
        _check_files(entries, recorded, settings.source, path)
        run.set_status(manifest.status)
        run.commit(boundary=True)
    work = folder / WORK
    work.mkdir(parents=True, exist_ok=True)
    for name, data in entries.items():
        if name.startswith("work/"):
            try:
                Folder(work).write(name.removeprefix("work/"), data)
            except ToolFault as fault:
                raise _damaged(path, fault.why) from fault
    return left


def _check_files(entries: dict[str, bytes], recorded: dict[str, Kept | None], source: str, path: Path) -> None:
    """Refuse a program or a work file that is not as the log has it: the chain says nothing about these entries."""
    if source and blob_address(entries["program.spak"]).hex() != source:
        raise _damaged(path, "program.spak is not the program of its run")
    found = {name.removeprefix("work/"): data for name, data in entries.items() if name.startswith("work/")}
    kept = {name: one[0] for name, one in recorded.items() if one is not None}
    for name in sorted(found.keys() | kept.keys()) if recorded else ():  # earlier versions recorded no files
        if name not in found or name not in kept:
            raise _damaged(path, f"work/{name} is {'missing' if name not in found else 'in no event'}")
        address = kept[name]
        if address and blob_address(found[name]).hex() != address:  # none is kept of a very large file
            raise _damaged(path, f"work/{name} is not as its event left it")


def _portable_settings(settings: RunSettings) -> tuple[RunSettings, tuple[str, ...]]:
    """The settings that a bundle may keep, and the names of the dropped ones."""
    external: dict[str, Any] = {"grants": (), "recordings": "", "events": ""}
    backend: dict[str, Any] = {"base_url": "", "answers": "", "cassette": "", "command": ""}
    left = [name for name in external if getattr(settings, name)]
    if settings.durability is Durability.MEMORY:
        external["durability"] = Durability.PROCESS
    if settings.backend is not None:
        left += [name for name in backend if getattr(settings.backend, name)]
        if settings.backend.backend == "command":
            backend["backend"] = "sim"
            left.append("backend")
        external["backend"] = settings.backend.model_copy(update=backend)
    return settings.replace(**external, resolutions=()), tuple(left)


def _entries(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as bundle:
            listed = bundle.infolist()
            if len(listed) > MAX_ENTRIES or sum(entry.file_size for entry in listed) > MAX_BYTES:
                raise _damaged(path, f"it holds more than {MAX_ENTRIES} entries or {MAX_BYTES >> 20} MiB")
            found = {}
            for entry in listed:
                with bundle.open(entry) as file:
                    data = file.read(entry.file_size + 1)
                if len(data) != entry.file_size:
                    raise _damaged(path, f"{entry.filename} has a different size than stated")
                found[entry.filename] = data
    except FileNotFoundError as error:
        raise LogError("no such bundle", where=str(path), fix="name the file that `dsl run` wrote") from error
    except LogError:
        raise
    except Exception as error:  # zipfile raises what its decompressors and `struct` raise, and more
        raise _damaged(path, str(error) or type(error).__name__) from error
    for name in ("manifest.json", "program.spak", "events.jsonl"):
        if name not in found:
            raise _damaged(path, f"{name} is missing")
    return found


def _manifest(entries: dict[str, bytes], path: Path) -> Manifest:
    try:
        data = json.loads(entries["manifest.json"])
        version = data.get("format") if isinstance(data, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise LogError(f"bundle format {version}, this program reads {FORMAT}", where=str(path), fix="upgrade")
        # From the bytes: pydantic refuses lone surrogates there, which no log can store.
        return Manifest.model_validate_json(entries["manifest.json"])
    except ValidationError as error:
        first = error.errors()[0]
        raise _damaged(path, f"manifest: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"manifest: {error}") from error


def _damaged(path: Path, what: str) -> LogError:
    return LogError(f"not a valid bundle: {what}", where=str(path), fix="copy it again from its source")
