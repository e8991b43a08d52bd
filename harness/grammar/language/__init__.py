"""The grammar language: a YAML document becomes a linted, typed `Grammar`, or everything that is wrong with it."""
