"""Answer every question with the right answer to the one before."""

before = ""


def run(text):
    global before
    stale, before = before, "\n".join(dict.fromkeys(text.split("\n")))
    return stale
