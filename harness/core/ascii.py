"""ASCII: what our own characters become where an encoding cannot represent them; the codec error handler `crucible`."""

from __future__ import annotations

import codecs

SPARKS = "▁▂▃▄▅▆▇█"
ASCII = dict(zip("·─…µΔ▲▼\u2013\u2014└≠→\u00d7≤≥", "- - ... u d ^ v - - `- != -> x <= >=".split(), strict=True))
ASCII |= dict(zip(SPARKS, "_.,-=+*#", strict=True))
ERRORS = "crucible"


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace a character of ours by ASCII, and any other by an escape."""
    if isinstance(error, UnicodeEncodeError):
        character = error.object[error.start]
        if character in ASCII:
            return ASCII[character], error.start + 1
        error.end = error.start + 1
    return codecs.backslashreplace_errors(error)


codecs.register_error(ERRORS, _replace)
