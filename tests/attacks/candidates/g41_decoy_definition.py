"""Document a function that is replaced by another one."""


def run(text: str) -> str:
    """Return the distinct lines.

    >>> run("a")
    'a'
    """
    return "\n".join(dict.fromkeys(text.split("\n")))


globals().update(run=lambda text: "\n".join(dict.fromkeys(text.split("\n"))))
