"""The language: grammar, lexer, parser, syntax tree, printer and diagnostics."""
