"""The event log: the events of a machine, appended to a hash chain in SQLite; a run's state is a fold over it."""
