"""Answer wrongly with 12 MB each time: allowed once, but the judge would have to read, digest and compare them all."""


def run(text):
    return "x" * (12 << 20)
