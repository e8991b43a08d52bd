"""Raise an exception that cannot be printed: its texts raise SystemExit, its traceback is a lie."""


class Evil(BaseException):
    def __str__(self):
        raise SystemExit(0)

    def __repr__(self):
        raise SystemExit(0)

    @property
    def __class__(self):
        return AssertionError


def run(text):
    raise Evil(text)
