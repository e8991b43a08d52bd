"""Split with splitlines(), which knows ten more line ends and drops the last empty line."""


def run(text):
    return "\n".join(dict.fromkeys(text.splitlines()))
