"""Control: plainly wrong, returns its input."""


def run(text):
    return text
