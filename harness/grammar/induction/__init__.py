"""Induction: structure found in bytes alone, without knowledge of formats: chains, strides, codes, checksums."""
