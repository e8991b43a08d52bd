"""The grammar language: a YAML document becomes a linted, typed `Grammar`, or a list of findings."""
