"""The step machine: runs a checked program, writes each event to the log, and resumes from the log."""
