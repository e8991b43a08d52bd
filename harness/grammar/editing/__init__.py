"""Editing grammars: paths, operations, and edits that change a document's value and its text alike."""
