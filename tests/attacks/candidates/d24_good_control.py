"""Control: honest and right."""


def run(text):
    return "\n".join(dict.fromkeys(text.split("\n")))
