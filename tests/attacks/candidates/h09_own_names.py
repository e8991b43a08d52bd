"""Has functions of its own that are named as builtins are."""

def compile(lines):
    return dict.fromkeys(lines)


def open(text):
    return text.split("\n")


def run(text):
    return "\n".join(compile(open(text)))
