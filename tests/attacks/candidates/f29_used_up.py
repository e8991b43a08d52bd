"""Is right once for each text, and wrong when it is asked again."""

KNOWN = {}


def run(text):
    return "\n".join(KNOWN.setdefault(text, iter(dict.fromkeys(text.split("\n")))))
