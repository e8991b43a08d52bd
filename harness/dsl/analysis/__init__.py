"""Analysis: names, types and structure of a program, checked and lowered to the IR in one pass."""
