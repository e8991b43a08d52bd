# SPDX-License-Identifier: MIT
# /// candidate
# style = "plain"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, forbidden: Python's own evaluation, with a check that is no protection."""


def evaluate(text: str, variables: dict[str, int]) -> str:
    """Evaluate an expression."""
    if "__" in text:
        raise ValueError("not an expression")
    try:
        value = eval(text, {"__builtins__": {}}, dict(variables))  # the fault
    except Exception:
        raise ValueError("not an expression") from None
    return str(value).lower()
