"""Writing: a parsed file with changed values as bytes."""
