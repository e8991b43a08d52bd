"""Induction: structure found in bytes alone, without knowledge of any format: chains, strides, codes, checksums."""
