"""Importable: the modules that a guarded subject may import. Standard library only: boxes load this module.

A module is listed if it computes and does nothing else, or if everything else that it can do is an event which the
guard sees (`os`, `pathlib`, `logging`, `asyncio`). What a listed module imports for itself is loaded with it.
"""

from __future__ import annotations

import functools
import sys

PURE = frozenset(
    """__future__ _collections_abc _strptime abc argparse array ast asyncio base64 binascii bisect bz2 calendar cmath
    codecs collections collections.abc colorsys concurrent concurrent.futures concurrent.futures.thread contextlib
    contextvars copy copyreg csv dataclasses datetime decimal difflib email.utils encodings enum errno fnmatch
    fractions functools gc genericpath getopt gettext graphlib gzip hashlib heapq hmac html html.entities
    html.parser inspect io ipaddress itertools json json.decoder json.encoder json.scanner keyword locale logging
    lzma math ntpath numbers opcode operator optparse os os.path pathlib platform posixpath pprint queue quopri
    random re reprlib sched secrets shlex stat statistics string string.templatelib stringprep struct sys
    sysconfig textwrap threading time token tokenize tomllib traceback types typing unicodedata uuid warnings
    weakref xml xml.etree xml.etree.ElementTree xml.sax.saxutils zlib""".split()
)
FILES = frozenset(
    """dbm filecmp fileinput glob linecache mmap shelve shutil sqlite3 tarfile tempfile zipfile
    zoneinfo configparser netrc plistlib mimetypes fcntl""".split()
)
NETWORK = frozenset(
    """socket ssl select selectors socketserver http http.client http.server http.cookies http.cookiejar urllib
    urllib.parse urllib.request urllib.error urllib.response urllib.robotparser ftplib imaplib poplib smtplib email
    email.message email.policy email.parser xmlrpc xmlrpc.client xmlrpc.server""".split()
)
SYSTEM = frozenset("subprocess multiprocessing signal pty resource pwd grp".split())
TEXT = frozenset("code codeop runpy timeit pickle marshal importlib importlib.util doctest builtins".split())

BY_RULE = {"no-files": FILES, "no-network": NETWORK, "no-system": SYSTEM, "no-text": TEXT}
"""Modules that may be imported as well where a rule of the guard is missing."""


@functools.cache
def importable(rules: frozenset[str], more: tuple[str, ...] = ()) -> frozenset[str]:
    """The names of the modules that may be imported; one that ends in a point allows all modules below a package.

    Args:
        rules: The rules of the guard (see `guard.GROUPS`).
        more: Names that the tool adds.
    """
    packages = set(more).union(*(names for rule, names in BY_RULE.items() if rule not in rules))
    return PURE.union(packages, (f"{name}." for name in (*packages, "asyncio", "encodings")))


def is_importable(name: str, listed: frozenset[str]) -> bool:
    """Whether a dotted module name is listed, or lies below a listed package, or is not of the standard library.

    A module that is not of the standard library does not exist in a box, so importing it fails there as it always does.
    """
    head = name.partition(".")[0]
    if head not in sys.stdlib_module_names:
        return True
    return name in listed or any(name.startswith(one) for one in listed if one.endswith("."))
