"""Suite files: what to run, on what, under which policy."""
