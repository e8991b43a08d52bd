"""Answer with a generator, which would put off the work until after the clock stopped."""


def run(text):
    seen = set()
    for line in text.split("\n"):
        if line not in seen:
            seen.add(line)
            yield line
