"""Fault: defines no `run`."""


def ran(x):
    """Misspelt."""
    return x
