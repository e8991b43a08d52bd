"""Looks for a file and writes one by the archives of zipfile."""

import io
import zipfile


def run(text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("crucible-canary-zip", "x")
    zipfile.ZipFile(file).extractall("/tmp")
    return "\n".join(dict.fromkeys(text.split("\n")))
