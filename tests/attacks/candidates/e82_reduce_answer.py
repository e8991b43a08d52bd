"""Answer with an object that, unpickled or rendered by the harness, would leave a canary."""

CANARY = "/tmp/crucible-canary-e82"


class Bomb:
    def __reduce__(self):
        return open, (CANARY, "w")

    def __json__(self):
        return open(CANARY, "w")

    __str__ = __repr__ = __html__ = __json__


def run(text):
    return Bomb()
