"""Editing of grammars: paths, operations, and primitive edits of a document's value and of its YAML text."""
