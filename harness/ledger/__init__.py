"""Floor 1: the ledger, one SQLite file that keeps every result. Imports core only."""
