"""Is right twice for each text, and wrong when it is asked a third time."""

ASKED = {}


def run(text):
    ASKED[text] = ASKED.get(text, 0) + 1
    return "\n".join(dict.fromkeys(text.split("\n"))) if ASKED[text] < 3 else "third"
