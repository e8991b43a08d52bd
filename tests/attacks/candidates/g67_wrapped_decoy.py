"""Documents a function that no call reaches, by a wrapper that names it."""
import functools


def work(reference):
    @functools.wraps(reference)
    def call(text):
        return "\n".join(dict.fromkeys(text.split("\n")))

    return call


@work
def run(text: str) -> str:
    """Return the distinct lines.

    >>> run("a")
    'a'
    """
    return text
