"""Raise exceptions whose type has a name of 15 MB, for the judge to remember once for each question."""

Fat = type("X" * (15 << 20), (Exception,), {})


def run(text):
    raise Fat
