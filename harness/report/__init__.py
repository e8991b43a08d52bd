"""Floor 4: reports. They read rows of a ledger and nothing else."""
