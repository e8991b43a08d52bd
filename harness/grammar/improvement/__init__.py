"""Proposing: who suggests patches, and the loop that keeps what explains more."""
