"""The step machine: runs a checked program, writes what happens to the event log, and goes on from there."""
