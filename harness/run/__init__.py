"""One pytest invocation: its session on each process, what the controller records, confirms and says at the end."""
