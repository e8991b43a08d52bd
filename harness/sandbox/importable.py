"""Importable: the modules that a guarded subject may import. Standard library only: boxes load this module.

A module is listed if it computes and does nothing else, or if everything else that it can do is an event which the
guard sees (`os`, `pathlib`, `logging`, `asyncio`, and `timeit`, which executes text). What a listed module imports for
itself is loaded with it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys

PURE = frozenset(
    """__future__ _collections_abc _strptime abc argparse array ast asyncio base64 binascii bisect builtins bz2 calendar
    cmath codecs collections collections.abc colorsys concurrent concurrent.futures concurrent.futures.thread
    configparser contextlib contextvars copy copyreg csv dataclasses datetime decimal difflib email encodings enum errno
    fnmatch fractions functools gc genericpath getopt gettext graphlib gzip hashlib heapq hmac html html.entities
    html.parser inspect io ipaddress itertools json json.decoder json.encoder json.scanner keyword locale logging
    lzma math ntpath numbers opcode operator optparse os os.path pathlib platform plistlib posixpath pprint queue quopri
    random re reprlib sched secrets shlex stat statistics string string.templatelib stringprep struct sys
    sysconfig textwrap threading time timeit token tokenize tomllib traceback types typing unicodedata urllib
    urllib.parse uuid warnings weakref xml xml.dom xml.dom.minidom xml.etree xml.etree.ElementTree xml.parsers
    xml.parsers.expat xml.sax xml.sax.handler xml.sax.saxutils zipfile zlib""".split()
)
FILES = frozenset(
    """dbm filecmp fileinput glob linecache mmap shelve shutil sqlite3 tarfile tempfile
    zoneinfo netrc mimetypes fcntl""".split()
)
NETWORK = frozenset(
    """socket ssl select selectors socketserver http http.client http.server http.cookies http.cookiejar
    urllib.request urllib.error urllib.response urllib.robotparser ftplib imaplib poplib smtplib
    xmlrpc xmlrpc.client xmlrpc.server""".split()
)
SYSTEM = frozenset("subprocess multiprocessing signal pty resource pwd grp".split())
TEXT = frozenset("code codeop runpy pickle marshal importlib importlib.util doctest".split())

INSTEAD = {
    "pickle": "pickle executes what its bytes name: copy.deepcopy copies a value, json serialises one",
    "marshal": "marshal reads code objects: json serialises a value",
    "importlib": "write an import statement",
    "__import__": "write an import statement",
    "eval": "ast.literal_eval reads a literal, json.loads a JSON value",
    "open": "io.StringIO and io.BytesIO are files in memory",
    "http": "`from http import HTTPStatus` needs allow_imports: [http] and a list of the tool's own without `http`",
    "unittest": 'below `if __name__ == "__main__":` it may be imported',
    "doctest": 'below `if __name__ == "__main__":` it may be imported',
    "sqlite3": "SQL opens files that no event shows: a dictionary or a sorted list is a table in memory",
    "tarfile": "it brings the list of the machine's users: zipfile works in memory, on io.BytesIO",
    "mimetypes": "it reads files of the machine: a dictionary of the endings that are needed",
    "tempfile": "io.StringIO and io.BytesIO are files in memory",
    "shutil": "io.StringIO and io.BytesIO are files in memory",
    "zoneinfo": "time zones are files of the machine: datetime.timezone is a fixed offset",
    "urllib.request": "urllib.parse may be imported",
    "sys._getframe": "frames lead out of the candidate: pass what is needed as an argument, or use traceback",
    "inspect.stack": "frames lead out of the candidate: pass what is needed as an argument, or use traceback",
}
"""What an honest program can use instead, by forbidden name or event; names below it count as well."""

BY_RULE = {"no-files": FILES, "no-network": NETWORK, "no-system": SYSTEM, "no-text": TEXT}
"""Modules that may be imported as well where a rule of the guard is missing."""


@functools.cache
def importable(rules: frozenset[str], more: tuple[str, ...]) -> frozenset[str]:
    """The names of the modules that may be imported; one that ends in a point allows all modules below a package.

    Args:
        rules: The rules of the guard (see `guard.GROUPS`).
        more: Names that the tool adds.
    """
    packages = set(more).union(*(names for rule, names in BY_RULE.items() if rule not in rules))
    return PURE.union(packages, (f"{name}." for name in (*packages, "asyncio", "email", "encodings")))


def instead_of(name: str) -> str:
    """What an honest program can use instead of a forbidden API or event; empty where nothing is known."""
    while name and name not in INSTEAD:
        name = name.rpartition(".")[0]
    return INSTEAD.get(name, "")


@functools.cache
def present() -> frozenset[str]:
    """The names of all modules that come with the interpreter, with those of its own tests, which `sys` leaves out."""
    library = os.path.dirname(os.__file__)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    platform = os.path.join(sys.base_exec_prefix, sys.platlibdir, version)
    names = {*sys.stdlib_module_names, *sys.builtin_module_names}
    for folder in (library, platform, os.path.join(library, "lib-dynload"), os.path.join(platform, "lib-dynload")):
        with contextlib.suppress(OSError):
            names.update(entry.partition(".")[0] for entry in os.listdir(folder))
    return frozenset(names)


def is_importable(name: str, listed: frozenset[str]) -> bool:
    """Whether a dotted module name is listed, or lies below a listed package, or does not come with the interpreter.

    A module that does not come with it does not exist in a box, so importing it fails there as it always does.
    """
    if name.partition(".")[0] not in present():
        return True
    return name in listed or any(name.startswith(one) for one in listed if one.endswith("."))


def is_below(name: str, packages: tuple[str, ...]) -> bool:
    """Whether a module is one of some modules and packages, or lies below one."""
    return any(name == one or name.startswith(f"{one}.") for one in packages)
