"""The language: grammar, lexer, parser, syntax tree, printer and the messages for what is not a program."""
