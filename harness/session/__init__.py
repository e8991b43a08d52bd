"""One pytest invocation."""
