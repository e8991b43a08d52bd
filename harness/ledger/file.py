"""File: a ledger's SQLite file: recognising it, opening it, setting a damaged one aside."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import math
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.core.errors import LedgerError
from harness.ledger import row_writer
from harness.ledger.packing import reader
from harness.ledger.version import APPLICATION_ID, SCHEMA_VERSION

INFINITE = frozenset((math.inf, -math.inf))
BUSY_SECONDS = 30.0
PAGE_BYTES = 8192  # of a new ledger: nine evaluations to a page, and a tenth of it unused
MAGIC = b"SQLite format 3\0"
CHECKED_BYTES = 128 << 20  # a larger file is not read through at every start; damage then shows when it is touched
SHARED = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "fuse.sshfs", "fuse.gcsfuse")


class CorruptError(Exception):
    """The file is not a readable SQLite database."""


def missing(path: Path) -> LedgerError:
    """The ledger does not exist, or something else does."""
    if path.exists() and not path.is_file():
        fix = "name the file that `pytest` wrote (--ledger, by default reports/ledger.db)"
        return LedgerError("this is not a plain file, so not a ledger", where=str(path), fix=fix)
    what = "the ledger does not exist"
    return LedgerError(what, where=str(path), fix="run `pytest` on a suite first, or name another with --ledger")


def require_locks(path: Path) -> None:
    """Check that processes can keep each other from writing at the same time.

    Raises:
        LedgerError: if the file system has no locks.
    """
    if not has_locks(path.parent):
        what = "the ledger cannot be written: its file system has no locks, so two runs could damage it"
        fix = "name one on a local disk with --ledger, and copy it when the run is over"
        raise LedgerError(what, where=str(path), fix=fix)


def is_database(path: Path) -> bool:
    """Whether a file begins as SQLite's do; a ledger that was damaged later still does."""
    with path.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def foreign(path: Path) -> LedgerError:
    """The file never was a ledger."""
    fix = "name the file that `pytest` wrote (--ledger, by default reports/ledger.db)"
    return LedgerError("this file is not a ledger: it is not a SQLite database", where=str(path), fix=fix)


def prepare(path: Path, *, create: bool) -> None:
    """Check that a ledger can be at this path at all, and make its folder.

    Raises:
        LedgerError: if it is a folder, is missing and must not be created, or its folder cannot be made.
    """
    if path.is_dir():
        raise LedgerError("this is a folder, not a ledger", where=str(path), fix=f"use {path / 'ledger.db'}")
    if not path.is_file():
        if path.exists() or not create:
            raise missing(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            blocking = next(folder for folder in path.parents if folder.exists())
            why, fix = f"{blocking} is not a folder", "move it away, or name another ledger with --ledger"
            raise LedgerError(f"the ledger cannot be written: {why}", where=str(path), fix=fix) from error
        except OSError as error:
            raise unwritable(path, error) from error


def unwritable(path: Path, error: Exception) -> LedgerError:
    """The ledger can be read at best."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "disk is full" in str(error):
        return LedgerError("the disk is full", where=str(path), fix="make room, or use another --ledger")
    fix = "make the file and its folder writable, or name another with --ledger"
    if getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR"):
        fix = "make room, check the disk, or name another with --ledger"
    return LedgerError(f"the ledger cannot be written: {error}", where=str(path), fix=fix)


def has_locks(folder: Path) -> bool:
    """Whether files in a folder can be locked; where they cannot, SQLite waits `BUSY_SECONDS` and says it is locked."""
    probe = folder / f".crucible-{os.getpid()}-{threading.get_ident()}.lock"
    try:
        descriptor = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:  # full or not writable: what is done next finds out
        return True
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def opening(path: Path) -> Iterator[None]:
    """Let one process at a time look at a ledger and put a broken one aside, where folders can be locked."""
    descriptor = -1
    try:
        with contextlib.suppress(OSError):
            descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def connect(path: Path, *, read_only: bool = False, immutable: bool = False) -> sqlite3.Connection:
    """A connection with our settings; transactions are always explicit."""
    mode = "ro" if read_only else "rwc"
    uri = f"{path.absolute().as_uri()}?mode={mode}{'&immutable=1' if immutable else ''}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("unpacked", -1, reader(connection), deterministic=True)
    return connection


def rows(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries; it may number its parameters (`?1`).

    Infinity, which only another program can have written, is undefined.
    """
    # To sqlite3 numbered ones have the names "1", "2" and so on, and names take no sequence from Python 3.14 on.
    values = {str(number): value for number, value in enumerate(parameters, 1)} if "?1" in sql else parameters
    found = connection.execute(sql, values)
    names = [column[0] for column in found.description or ()]
    made = [dict(zip(names, row, strict=True)) for row in found]  # dict(row) searches each name among all names
    for row in made:
        if not INFINITE.isdisjoint(row.values()):
            row.update({name: None for name, value in row.items() if value in INFINITE})
    return made


def inspect(connection: sqlite3.Connection, path: Path, *, thorough: bool | None = None) -> int:
    """The schema version of a ledger, 0 for an empty database.

    Args:
        thorough: Whether the file is read through; by default if it is not large.

    Raises:
        CorruptError: if the file is damaged.
        LedgerError: if it is a database of something else, or of a newer version.
    """
    try:
        version, application, objects = (
            connection.execute(f"SELECT {what}").fetchone()[0]
            for what in (
                "user_version FROM pragma_user_version",
                "application_id FROM pragma_application_id",
                "count(*) FROM sqlite_master",
            )
        )
        if path.stat().st_size <= CHECKED_BYTES if thorough is None else thorough:
            # Else it would execute the checks of the schema, which another author may have written.
            connection.execute("PRAGMA ignore_check_constraints = ON")
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            connection.execute("PRAGMA ignore_check_constraints = OFF")
            # Complaints about values ("NULL value in ...") are not damage, and SQLite 3.40 makes false ones.
            if verdict.startswith("*** in database"):
                raise CorruptError(verdict.splitlines()[-1])
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise CorruptError(str(error)) from error
    if application != APPLICATION_ID and objects:
        where = str(path)
        raise LedgerError("this SQLite database is not a ledger", where=where, fix="name another file with --ledger")
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"the ledger was written by a newer version (schema {version}; this version reads up to {SCHEMA_VERSION})",
            where=str(path),
            fix="pip install --upgrade pytest-crucible, or name another ledger with --ledger",
        )
    return int(version)


def set_aside(path: Path, why: str, *, known: bool = False) -> str:
    """Rename a damaged ledger, with its write-ahead log, and say so.

    Args:
        known: Whether it was a ledger a moment ago, whatever its first bytes say now.

    Raises:
        LedgerError: if the file never was a ledger, so that a mistyped path cannot move another file away.
    """
    if not known and not is_database(path):
        raise foreign(path)
    kept = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}")
    try:
        path.rename(kept)
        for suffix in ("-wal", "-shm", "-journal"):
            extra = path.with_name(path.name + suffix)
            if extra.exists():
                extra.rename(kept.with_name(kept.name + suffix))
    except OSError as error:
        raise unwritable(path, error) from error
    return f"the ledger {path} is damaged ({why}): it is kept as {kept.name} and a new one was started"


def establish(path: Path, *, known: bool = False, is_checked: bool = False) -> tuple[sqlite3.Connection, list[str]]:
    """A connection to a ledger of this version, and notices about how it was opened.

    Args:
        path: Where it is, or will be.
        is_checked: Whether it has been read through already.
        known: Whether a ledger was open there a moment ago; then it is read through, however large.

    Raises:
        LedgerError: if the file never was a ledger, is of a newer version, or cannot be brought up to date.
    """
    notices = []
    connection = connect(path)
    try:
        try:
            version = inspect(connection, path, thorough=True if known else False if is_checked else None)
        except CorruptError as error:
            connection.close()
            notices.append(set_aside(path, str(error), known=known))
            connection, version = connect(path), 0
        if version == 0:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES:d}")
        if notice := use_wal(connection, path):
            notices.append(notice)
        if version < SCHEMA_VERSION:
            from harness.ledger.schema import migrate

            try:
                migrate(connection)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                    raise
                what = f"its tables are not those of a ledger of version {version}: {error}"
                fix = "restore the ledger from a copy, or name another with --ledger"
                raise LedgerError(what, where=str(path), fix=fix) from error
        with row_writer.immediate(connection):
            # A write that changes nothing: it finds out now, not after an hour, whether the file takes one.
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION:d}")
    except BaseException:
        connection.close()
        raise
    return connection, notices


def use_wal(connection: sqlite3.Connection, path: Path) -> str | None:
    """Switch to write-ahead logging where the file system allows it; else report the mode that is used instead."""
    shared = file_system(path) in SHARED
    mode = ""
    if not shared:
        with contextlib.suppress(sqlite3.OperationalError):
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode == "wal":
        # Safe against a killed process; a power cut may lose the last transactions, never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        return None
    connection.execute("PRAGMA journal_mode = DELETE")
    where = "a network file system" if shared else "this file system"
    return (
        f"the ledger {path} is on {where}, which does not support write-ahead logging, so it uses a rollback journal; "
        "give each machine its own ledger and join them with `crucible merge`"
    )


def file_system(path: Path) -> str:
    """The type of the file system of a path; empty if the kernel does not report it."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    real, best, found = path.parent.resolve(), -1, ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        mount = fields.split()[4].replace("\\040", " ")
        # Later lines cover earlier ones on the same mount point.
        if real.is_relative_to(mount) and len(mount) >= best:
            best, found = len(mount), rest.split()[0]
    return found


def inode(path: Path) -> int | None:
    """The identity of the file at the path; None if it does not exist."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def is_damage(error: Exception) -> bool:
    """Whether an error means that the file itself is broken."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
