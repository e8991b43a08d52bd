"""Spec patches: structured edits to the grammar of a binary format, judged on real files."""
