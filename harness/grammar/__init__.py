"""Binary grammars: a YAML language, its engine, edits, versions, runs and scores."""
