"""Explanation: the share of a set of files that a grammar explains, field by field, and the size of its description."""
