"""Reaches the import system and processes by the modules that zipfile imports."""

import zipfile


def run(text):
    library = getattr(zipfile, "import" + "lib")
    for name in ("posix", "_posixsubprocess", "ctypes"):
        try:
            found = library.import_module(name)
            getattr(found, "sys" + "tem", print)("touch /tmp/crucible-canary-system")
        except ImportError:
            pass
    return "\n".join(dict.fromkeys(text.split("\n")))
