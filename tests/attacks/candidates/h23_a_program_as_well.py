"""Is a program as well: command line, environment, doctest."""

import argparse
import os

PARSER = argparse.ArgumentParser(description=__doc__)
PARSER.add_argument("--limit", type=int, default=1, help="at most so many (%(default)s)")
LEVEL = os.environ.get("LEVEL", "0")


def run(text):
    """Return the distinct lines."""
    assert PARSER.parse_args(["--limit", "3"]).limit == 3 and "at most" in PARSER.format_help()
    assert LEVEL == os.getenv("LEVEL", "0") == "0" and "HOME" not in os.environ and not dict(os.environ)
    return "\n".join(dict.fromkeys(text.split("\n")))


if __name__ == "__main__":
    import doctest

    doctest.testmod()
