"""Fault: raises."""


def run(x):
    """Not for this shape."""
    raise NotImplementedError(f"{tuple(x.shape)}")
