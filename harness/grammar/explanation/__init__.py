"""Explaining: how much of a set of files a grammar explains, field by field, and what it costs to say so."""
