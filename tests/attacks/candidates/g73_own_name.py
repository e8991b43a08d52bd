"""Names itself in a statement, as a recursive function does."""


def run(text):
    run  # noqa: B018
    return "\n".join(dict.fromkeys(text.split("\n")))
