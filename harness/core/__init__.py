"""Floor 0: pure values and functions. Nothing here reads a file, a clock or another floor."""
