"""Strip white space before comparing, so that different lines count as one."""


def run(text):
    kept = {}
    for line in text.split("\n"):
        kept.setdefault(line.strip(), line)
    return "\n".join(kept.values())
