"""Floor 1: the box. Only `core` may be imported here; what runs inside a box imports the standard library alone."""
