"""Documents a function that no call reaches, by a lambda that begins in the same line."""


@lambda reference: lambda text: "\n".join(dict.fromkeys(text.split("\n")))
def run(text: str) -> str:
    """Return the distinct lines.

    >>> run("a")
    'a'
    """
    return text
