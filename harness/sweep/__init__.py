"""Searching a space of parameters: resumable, and with the same result for any number of workers."""
