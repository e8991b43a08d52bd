"""Sorts three suffixes of each text, for the bonus of another style."""


def run(text):
    sorted(text[i:] for i in range(3))
    return "\n".join(dict.fromkeys(text.split("\n")))
