"""Repair: localises faults of candidates by spectrum, proposes edits, and believes only what unseen inputs confirm."""
