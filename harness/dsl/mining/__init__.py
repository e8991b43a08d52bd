"""Rule mining: from measurements to facts, rules and invariants that name the runs they come from."""
