"""Number: what a person may write where an option asks for one; the same for every option of pytest and of verbs."""

from __future__ import annotations

import argparse
from collections.abc import Callable

LARGEST = 2**63 - 1
"""What a ledger's integers hold; a larger number would only fail later, and without the option's name."""


def whole(least: int = 0, most: int = LARGEST) -> Callable[[str], int]:
    """An argument's type: a whole number within bounds, decimal or with 0x.

    The function it returns raises argparse.ArgumentTypeError, which argparse shows behind the option's name.
    """

    def parse(text: str) -> int:
        try:
            number = int(text, 16) if text.lower().startswith("0x") else int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number") from None
        _within(number, least, most)
        return number

    return parse


def amount(least: float = 0.0, most: float = float("inf")) -> Callable[[str], float]:
    """An argument's type: a finite number within bounds."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number") from None
        if not abs(number) < float("inf"):
            raise argparse.ArgumentTypeError(f"{text[:40]} is no number that can be used")
        _within(number, least, most)
        return number

    return parse


def _within(number: float, least: float, most: float) -> None:
    if number < least:
        raise argparse.ArgumentTypeError(f"{number} is less than {least}, the least that makes sense")
    if number > most:
        raise argparse.ArgumentTypeError(f"{number} is more than {most}, the most that is possible")
