"""Is a chain of 3,000 functions, for a reader whose time grows with its square.

The corpus puts `chain` functions after these, each of which calls the next.
"""


def f3000():
    pass


def run(text):
    try:
        f0() if not text and 0 else None
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
