"""Judging a case: from a case to an evaluation."""
