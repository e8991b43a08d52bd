"""Providers: who answers a question: a file, a script, a person, a recording, a model."""
