"""Raise an exception whose class leaves the process when it is asked for its name."""

class Meta(type):
    def __getattribute__(cls, name):
        raise SystemExit(0)


class Odd(Exception, metaclass=Meta):
    pass


def run(text):
    raise Odd
