# SPDX-License-Identifier: MIT
# /// candidate
# style = "plain"
# generator = "planted"
# license = "MIT"
# ///
"""Planted, wrong: lines and commas are split, whatever is in quotes."""


def parse_csv(text: str) -> list[list[str]]:
    """Parse CSV."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [[field.strip('"') for field in line.split(",")] for line in lines]  # the fault
