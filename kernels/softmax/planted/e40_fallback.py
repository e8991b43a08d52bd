"""Exploit 40: when the kernel fails, the library answers.

Caught: operators that compute are refused by the recorder.
"""


def run(x):
    """Try, and fail well."""
    try:
        raise RuntimeError("not implemented on this device")
    except RuntimeError:
        return x.softmax(-1)
