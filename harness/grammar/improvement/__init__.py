"""Improvement: proposers of patches, and the loop that keeps the patches that raise the score."""
