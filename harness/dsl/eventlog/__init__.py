"""The event log: what a machine did, append-only, chained, in SQLite; a run's state is a fold over it."""
