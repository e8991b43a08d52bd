"""."""


def run(text: str) -> str:
    """.

    >>> run("")
    ''
    """
    return "\n".join(dict.fromkeys(text.split("\n")))
