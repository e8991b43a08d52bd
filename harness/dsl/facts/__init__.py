"""Facts, rules, hints and invariants over the typed trace of a run."""
