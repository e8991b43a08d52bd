"""Repair: localises faults of candidates by spectrum, proposes edits, and accepts only what unseen inputs confirm."""
